package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

class CredentialFileTest {

    @TempDir private Path directory;

    @Test
    void aTokenThatIsReplacedIsTakenAndABadOneIsNot() throws Exception {
        Path file = Files.writeString(directory.resolve("token"), "one\n");
        var nanos = new AtomicLong();
        var token = CredentialFile.bearer(file, nanos::get);
        assertThat(token.header()).isEqualTo("Bearer one");
        Files.writeString(file, "two");
        assertThat(token.header()).isEqualTo("Bearer one");
        nanos.addAndGet(1_500_000_000);
        assertThat(token.header()).isEqualTo("Bearer two");
        Files.writeString(file, "three\nfour");
        nanos.addAndGet(1_500_000_000);
        assertThat(token.header()).isEqualTo("Bearer two");
        Files.delete(file);
        nanos.addAndGet(1_500_000_000);
        assertThat(token.header()).isEqualTo("Bearer two");
        assertThat(token.toString()).doesNotContain("two");
    }

    @Test
    void userAndPasswordBecomeBasic() throws Exception {
        Path file = Files.writeString(directory.resolve("proxy"), "Aladdin:open sesame\n");
        assertThat(CredentialFile.basic(file).header())
                .isEqualTo("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        Files.writeString(file, "no colon");
        assertThatThrownBy(() -> CredentialFile.basic(file))
                .hasMessageContaining("user:password")
                .hasMessageNotContaining("no colon");
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> CredentialFile.bearer(directory.resolve("none")))
                .hasMessageContaining("none");
    }
}
