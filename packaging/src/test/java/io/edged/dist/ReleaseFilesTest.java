package io.edged.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.lock.Architecture;
import io.edged.lock.Artefact;
import io.edged.lock.ReleaseLock;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.TreeMap;

/** What a release says about itself. */
class ReleaseFilesTest {
    @TempDir Path directory;

    @Test
    void theLockTellsSharedFilesFromThoseOfOneArchitecture() throws IOException {
        var images = new EnumMap<Architecture, Path>(Architecture.class);
        for (Architecture architecture : Architecture.values()) {
            Path image = Files.createDirectories(directory.resolve(architecture.label() + "/lib"));
            Files.writeString(image.resolve("same.jar"), "jar");
            Files.writeString(image.resolve("java"), "java for " + architecture.label());
            image.resolve("java").toFile().setExecutable(true, false);
            Files.writeString(image.resolveSibling("edge.lock.json"), "an older lock");
            Files.writeString(
                    image.resolveSibling("SHA256SUMS"), "sums of " + architecture.label());
            images.put(architecture, image.getParent());
        }
        ReleaseLock lock = ReleaseLockWriter.lock("1.2.3", images);
        assertThat(lock.shared()).containsOnlyKeys("lib/same.jar");
        // All but the lock: where the product is installed, a file that is not in it is strange.
        assertThat(lock.artefacts(Architecture.ARM64))
                .containsOnlyKeys("SHA256SUMS", "lib/java", "lib/same.jar");
        assertThat(lock.artefacts(Architecture.ARM64))
                .extractingByKey("lib/java")
                .extracting(Artefact::mode)
                .isEqualTo("0755");
        assertThat(lock.fingerprint())
                .isEqualTo(ReleaseLockWriter.lock("1.2.3", images).fingerprint());
    }

    @Test
    void everyJarThatShipsHasAnOriginAndALicence() throws IOException {
        Path jars = Path.of(System.getProperty("edged.application", "target/edged"), "lib");
        List<Sbom.Row> rows =
                Sbom.rows(Files.readAllLines(Path.of("dist", "components").toAbsolutePath()));
        assertThat(Sbom.jars(jars, rows)).isNotEmpty();
        Path strange = Files.createDirectory(directory.resolve("strange"));
        Files.writeString(strange.resolve("unheard-of-1.0.jar"), "");
        assertThatThrownBy(() -> Sbom.jars(strange, rows))
                .hasMessageContaining("unheard-of-1.0.jar has no row");
    }

    @Test
    void theIndexNamesEveryBlobByItsDigest() throws IOException {
        Path tar = Files.writeString(directory.resolve("layer.tar"), "layer");
        Path entry = Files.writeString(directory.resolve("entry"), "/opt/edged/lib/sys/edged\n");
        Path layout = directory.resolve("oci");
        var words = new ArrayList<>(List.of("1.2.3", "0", layout.toString()));
        for (String architecture : List.of("amd64", "arm64"))
            words.addAll(List.of(architecture, entry.toString(), tar.toString(), "-"));
        OciIndex.main(words.toArray(String[]::new));
        assertThat(Files.readString(layout.resolve("index.json")))
                .contains("\"edged:1.2.3\"", "\"docker.io/library/edged:1.2.3\"");
        try (var blobs = Files.list(layout.resolve("blobs/sha256"))) {
            List<Path> files = blobs.toList();
            for (Path blob : files)
                assertThat(Sbom.sha256(Files.readAllBytes(blob)))
                        .isEqualTo(blob.getFileName().toString());
            // Two configurations, two manifests, one index, and one layer that both share.
            assertThat(files).hasSize(6);
        }
    }

    @Test
    void theRuntimeLockPinsTheSameVersionsForEveryArchitecture() throws IOException {
        var versions = new TreeMap<String, List<String>>();
        for (String line : Files.readAllLines(Path.of("runtime.lock"))) {
            if (line.startsWith("#") || line.startsWith("suite ")) continue;
            String[] cells = line.split(" ");
            assertThat(cells).as(line).hasSize(5);
            assertThat(cells[0]).isIn("amd64", "arm64", "riscv64");
            assertThat(cells[4]).matches("[0-9a-f]{64}");
            // A rebuild of one architecture's package adds +bN to its version.
            if (cells[1].equals("image"))
                versions.computeIfAbsent(cells[2], _ -> new ArrayList<>())
                        .add(cells[3].replaceFirst("\\+b\\d+$", ""));
        }
        assertThat(versions).containsKeys("openjdk-25-jdk-headless", "libc6");
        versions.forEach(
                (name, each) -> assertThat(each).as(name).hasSize(3).containsOnly(each.getFirst()));
    }
}
