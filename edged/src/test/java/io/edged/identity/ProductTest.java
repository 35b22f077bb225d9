package io.edged.identity;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.net.MalformedURLException;
import java.nio.file.Path;

class ProductTest {

    @Test
    void theJarIsWhereItsClassSays() throws MalformedURLException {
        Path jar = Path.of("/opt/a b/lib/edged.jar");
        assertThat(Product.jar(jar.toUri().toURL(), "/elsewhere/other.jar")).isEqualTo(jar);
    }

    @Test
    void aClassOfAStartUpCacheIsFoundByTheClassPath() {
        assertThat(Product.jar(null, "/opt/edged/lib/app/a.jar:/opt/edged/lib/app/b.jar"))
                .isEqualTo(Path.of("/opt/edged/lib/app/a.jar"));
    }
}
