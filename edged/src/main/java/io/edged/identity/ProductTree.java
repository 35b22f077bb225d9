package io.edged.identity;

import io.edged.lock.Artefact;
import io.edged.lock.FingerprintHasher;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongConsumer;

/**
 * The files of the product below one directory. A symbolic link to a file counts as that file: what
 * runs is its content. The lock at the top and its signature are not part of what they lock.
 *
 * @param root the directory
 * @param files path below the root, names joined by {@code /}, to size in bytes when it was listed
 */
public record ProductTree(Path root, SortedMap<String, Long> files) {

    /** Files at the root that are not locked. */
    private static final Set<String> UNLOCKED =
            Set.of(Product.RELEASE_LOCK, Product.RELEASE_LOCK + LockFiles.SIGNATURE_SUFFIX);

    private static final int MAX_FILES = 100_000;
    private static final int MAX_THREADS = 8;

    /** A multiple of the 1,024 bytes that BLAKE3 works on. */
    private static final int READ_BYTES = 256 << 10;

    /**
     * Lists the files below a directory.
     *
     * @throws IOException it cannot be read, holds more than {@link #MAX_FILES}, or holds something
     *     that is neither file nor directory; the message names it
     */
    public static ProductTree list(Path root) throws IOException {
        var files = new TreeMap<String, Long>();
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        BasicFileAttributes target =
                                Files.readAttributes(file, BasicFileAttributes.class);
                        if (!target.isRegularFile())
                            throw new IOException(
                                    file + " is neither a file nor a link to one: not lockable");
                        String path = slashed(root.relativize(file));
                        if (UNLOCKED.contains(path)) return FileVisitResult.CONTINUE;
                        files.put(path, target.size());
                        if (files.size() > MAX_FILES)
                            throw new IOException(
                                    root + " holds more than " + MAX_FILES + " files");
                        return FileVisitResult.CONTINUE;
                    }
                });
        return new ProductTree(root, files);
    }

    private static String slashed(Path path) {
        var names = new ArrayList<String>();
        path.forEach(name -> names.add(name.toString()));
        return String.join("/", names);
    }

    /** All files together. */
    public long bytes() {
        return files.values().stream().mapToLong(Long::longValue).sum();
    }

    /**
     * Reads and fingerprints every file, several at a time, the largest first.
     *
     * @param progress told how many bytes were read, from several threads
     * @throws IOException a file cannot be read; the message names it
     */
    public SortedMap<String, Artefact> artefacts(LongConsumer progress) throws IOException {
        List<String> paths =
                files.entrySet().stream()
                        .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
                        .map(Map.Entry::getKey)
                        .toList();
        var found = new ConcurrentSkipListMap<String, Artefact>();
        var failed = new AtomicBoolean();
        int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MAX_THREADS);
        try (var pool =
                Executors.newFixedThreadPool(
                        threads, Thread.ofPlatform().daemon().name("hash-", 0).factory())) {
            var work = new ArrayList<Future<?>>();
            for (String path : paths)
                work.add(
                        pool.submit(() -> {
                            if (failed.get()) return;
                            try {
                                found.put(path, artefact(root.resolve(path), progress));
                            } catch (IOException e) {
                                failed.set(true);
                                throw new UncheckedIOException(e);
                            }
                        }));
            for (Future<?> each : work) each.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UncheckedIOException cause)
                throw new IOException("a file cannot be read: " + cause.getCause(), cause);
            throw new IllegalStateException("hashing failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while hashing", e);
        }
        return found;
    }

    private static Artefact artefact(Path file, LongConsumer progress) throws IOException {
        var hasher = new FingerprintHasher();
        long bytes = 0;
        byte[] buffer = new byte[READ_BYTES];
        ByteBuffer into = ByteBuffer.wrap(buffer);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            int read;
            do {
                into.clear();
                do read = channel.read(into);
                while (read >= 0 && into.hasRemaining());
                hasher.update(buffer, 0, into.position());
                bytes += into.position();
                progress.accept(into.position());
            } while (read >= 0);
        }
        int mode = (Integer) Files.getAttribute(file, "unix:mode");
        return new Artefact(hasher.finish(), bytes, String.format("%04o", mode & 0_7777));
    }
}
