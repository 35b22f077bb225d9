package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;

/** No jar that ships carries native code, so that one set of jars runs on every architecture. */
class NativeCodeTest {

    /**
     * Declares native methods for transports that the product never loads; NIO is the only
     * transport.
     */
    private static final String UNIX_COMMON = "netty-transport-native-unix-common";

    private static List<Path> shippedJars() throws IOException {
        Path lib = Path.of(System.getProperty("edged.application", "target/edged"), "lib");
        assertThat(lib).as("application directory; run: make build").isDirectory();
        try (var files = Files.list(lib)) {
            return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
        }
    }

    @Test
    void noJarCarriesANativeLibrary() throws IOException {
        var found = new ArrayList<String>();
        for (Path jar : shippedJars()) {
            try (var file = new JarFile(jar.toFile())) {
                file.stream()
                        .filter(entry ->
                                entry.getName()
                                        .matches(".*\\.(so|dylib|dll|jnilib|a|so\\.[0-9.]+)"))
                        .forEach(entry -> found.add(jar.getFileName() + "!" + entry.getName()));
            }
        }
        assertThat(shippedJars()).isNotEmpty();
        assertThat(found).isEmpty();
    }

    @Test
    void nativeMethodsStandOnlyInTheListedJar() throws IOException {
        var found = new ArrayList<String>();
        for (Path jar : shippedJars()) {
            if (jar.getFileName().toString().startsWith(UNIX_COMMON)) continue;
            try (var file = new JarFile(jar.toFile())) {
                new ClassFileImporter()
                        .importJar(file).stream()
                                .filter(type ->
                                        type.getMethods().stream()
                                                .anyMatch(method ->
                                                        method.getModifiers()
                                                                .contains(JavaModifier.NATIVE)))
                                .forEach(type ->
                                        found.add(jar.getFileName() + "!" + type.getName()));
            }
        }
        assertThat(found).isEmpty();
    }
}
