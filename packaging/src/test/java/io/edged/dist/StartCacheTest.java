package io.edged.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** What makes two builds write the same start-up cache. */
class StartCacheTest {
    private static final int HEAD_BYTES = 4096;

    @TempDir Path directory;

    private final Map<String, Path> files = new TreeMap<>();

    private void classFile(String name) throws IOException {
        Path file = directory.resolve(name.replace('/', '.'));
        try (InputStream in = Object.class.getResourceAsStream("Object.class")) {
            if (in == null) throw new IOException("no class file of Object");
            Files.copy(in, file);
        }
        files.put(name, file);
    }

    @Test
    void whatATrainingRunMetByChanceDoesNotChangeTheList() throws IOException {
        for (String name :
                List.of(
                        "java/lang/Object",
                        "java/util/concurrent/Used",
                        "java/util/concurrent/Used$Waiting",
                        "java/util/concurrent/Unused$Waiting",
                        "io/edged/wal/Rare",
                        "io/edged/cli/OtherCommand")) classFile(name);
        List<String> invokers =
                List.of(
                        "# Made by a deliberate command.",
                        "@lambda-form-invoker [LF_RESOLVE] a",
                        "@lambda-form-invoker [LF_RESOLVE] b");
        List<String> quiet =
                ClassList.lines(
                        List.of(
                                "# made by the virtual machine",
                                "java/util/concurrent/Used id: 7",
                                "java/lang/Object id: 0",
                                "io/edged/Made$$Lambda/0x1 id: 9",
                                "@lambda-form-invoker [LF_RESOLVE] b",
                                "@cp java/lang/Object 1 2"),
                        invokers,
                        files);
        List<String> busy =
                ClassList.lines(
                        List.of(
                                "@lambda-form-invoker [LF_RESOLVE] c",
                                "java/lang/Object id: 3",
                                "java/util/concurrent/Used$Waiting id: 8",
                                "@lambda-form-invoker [LF_RESOLVE] b",
                                "java/util/concurrent/Used id: 4",
                                "@cp java/lang/Object 1 2 3 4 5"),
                        invokers,
                        files);
        assertThat(busy).isEqualTo(quiet);
        assertThat(quiet)
                .startsWith(
                        "io/edged/wal/Rare",
                        "java/lang/Object",
                        "java/util/concurrent/Used",
                        "java/util/concurrent/Used$Waiting")
                .doesNotContain("java/util/concurrent/Unused$Waiting", "io/edged/cli/OtherCommand")
                .noneMatch(line -> line.startsWith("#"))
                .endsWith(
                        "@lambda-form-invoker [LF_RESOLVE] a",
                        "@lambda-form-invoker [LF_RESOLVE] b")
                .anyMatch(line -> line.matches("@cp java/lang/Object( \\d+)+"));
    }

    /** A cache with a head and one region that holds words. */
    private static CacheClock.Made cache(long from, long to, long... words) {
        ByteBuffer file =
                ByteBuffer.allocate(HEAD_BYTES + words.length * 8).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(12, 984);
        for (int i = 0; i < words.length; i++) file.putLong(HEAD_BYTES + i * 8, words[i]);
        file.putLong(24 + 24, HEAD_BYTES).putLong(24 + 40, words.length * 8L);
        file.putInt(24, checksum(file, HEAD_BYTES, words.length * 8));
        file.putInt(4, checksum(file, 16, 984 - 16));
        return new CacheClock.Made(file, from, to);
    }

    private static int checksum(ByteBuffer file, int from, int bytes) {
        var crc = new CRC32();
        crc.update(file.slice(from, bytes));
        return (int) crc.getValue();
    }

    @Test
    void readingsOfTheClockAreTakenOutAndTheChecksumsFit() throws IOException {
        var first = cache(100, 199, 7, 150, 150, 8);
        assertThat(CacheClock.stop(first, cache(200, 299, 7, 250, 251, 8))).isEqualTo(2);
        assertThat(first.content()).isEqualTo(cache(0, 0, 7, 0, 0, 8).content());
    }

    @Test
    void whateverElseDiffersIsAnError() {
        assertThatThrownBy(() -> CacheClock.stop(cache(100, 199, 7, 150), cache(200, 299, 7, 300)))
                .hasMessageContaining("differ at byte " + (HEAD_BYTES + 8));
        assertThatThrownBy(() -> CacheClock.stop(cache(100, 199, 7), cache(200, 299, 7, 250)))
                .hasMessageContaining("bytes");
        var unknown = cache(100, 199, 7);
        unknown.content().putInt(24, 1);
        assertThatThrownBy(() -> CacheClock.stop(unknown, cache(200, 299, 7)))
                .hasMessageContaining("another version of the runtime");
    }

    @Test
    void aJarIsStoredWithTheSameEntriesInTheSameOrder() throws IOException {
        Path packed = directory.resolve("a.jar");
        try (var out = new ZipOutputStream(Files.newOutputStream(packed))) {
            for (String name : List.of("META-INF/MANIFEST.MF", "z", "a/", "a/b")) {
                out.putNextEntry(new ZipEntry(name));
                if (!name.endsWith("/"))
                    out.write("content ".repeat(100).getBytes(StandardCharsets.UTF_8));
            }
        }
        Path stored = directory.resolve("stored.jar");
        StoredJar.write(packed, stored);
        byte[] once = Files.readAllBytes(stored);
        StoredJar.write(packed, stored);
        assertThat(Files.readAllBytes(stored)).isEqualTo(once);
        try (var jar = new ZipFile(stored.toFile())) {
            assertThat(jar.stream().map(ZipEntry::getName))
                    .containsExactly("META-INF/MANIFEST.MF", "z", "a/", "a/b");
            assertThat(jar.stream()).allMatch(each -> each.getMethod() == ZipEntry.STORED);
            assertThat(jar.getInputStream(jar.getEntry("a/b")).readAllBytes())
                    .isEqualTo("content ".repeat(100).getBytes(StandardCharsets.UTF_8));
        }
    }
}
