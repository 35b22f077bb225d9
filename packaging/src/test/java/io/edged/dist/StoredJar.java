package io.edged.dist;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Writes the jars of one directory into another without compression and without the names of local
 * variables: {@code StoredJar FROM TO}. Entries keep their order, so that the manifest stays first,
 * and have one time.
 */
final class StoredJar {
    /** 1980-01-01, the first that the format has, in the local time that it wants. */
    private static final java.time.LocalDateTime TIME =
            java.time.LocalDateTime.of(1980, 1, 1, 0, 0);

    private StoredJar() {}

    public static void main(String[] args) throws IOException {
        List<Path> jars;
        try (var list = Files.list(Path.of(args[0]))) {
            jars = list.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
        }
        if (jars.isEmpty()) throw new IOException(args[0] + " holds no jar");
        for (Path jar : jars) write(jar, Path.of(args[1]).resolve(jar.getFileName()));
    }

    static void write(Path from, Path to) throws IOException {
        try (var in = new ZipFile(from.toFile());
                var out = new ZipOutputStream(Files.newOutputStream(to))) {
            out.setMethod(ZipOutputStream.STORED);
            for (ZipEntry entry : Collections.list(in.entries())) {
                byte[] content;
                try (InputStream stream = in.getInputStream(entry)) {
                    content = stream.readAllBytes();
                }
                if (entry.getName().endsWith(".class")) content = LocalVariables.dropped(content);
                var crc = new CRC32();
                crc.update(content);
                var stored = new ZipEntry(entry.getName());
                stored.setTimeLocal(TIME);
                stored.setSize(content.length);
                stored.setCrc(crc.getValue());
                out.putNextEntry(stored);
                out.write(content);
                out.closeEntry();
            }
        }
    }
}
