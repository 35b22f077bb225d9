package io.edged.disk;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A directory of the operating system: mode 0700, files 0600, symbolic links refused. */
public final class FileSystemDirectory implements LogDirectory {

    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY_DIRECTORY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY_FILE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    /** What one write past the cache takes: large, for each is a round trip to the device. */
    private static final int ZEROS_BYTES = 1 << 20;

    /** Of memory and offsets; no block of a file system that is in use is larger. */
    private static final int ZEROS_ALIGNMENT = 64 << 10;

    private static final Optional<OpenOption> PAST_THE_CACHE = pastTheCache();

    private final Path path;
    private volatile boolean writesPastTheCache = true;

    private FileSystemDirectory(Path path) {
        this.path = path;
    }

    /** Opens {@code path}, making it (and its parents) durable if it does not exist. */
    public static FileSystemDirectory open(Path path) throws IOException {
        if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            Path absolute = path.toAbsolutePath();
            Path parent = absolute.getParent();
            if (parent != null && !Files.isDirectory(parent)) open(parent);
            Files.createDirectory(absolute, OWNER_ONLY_DIRECTORY);
            if (parent != null) forceDirectory(parent);
        }
        return new FileSystemDirectory(path);
    }

    private static void forceDirectory(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public String describe() {
        return path.toString();
    }

    @Override
    public List<String> names() throws IOException {
        try (var files = Files.list(path)) {
            return files.filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
                    .map(file -> file.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    @Override
    public LogFile create(String name) throws IOException {
        Set<OpenOption> options =
                Set.of(
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS);
        return new ChannelFile(
                path.resolve(name), FileChannel.open(path.resolve(name), options, OWNER_ONLY_FILE));
    }

    /** The JDK's option is not part of its standard, so the compiler lets nobody name it. */
    private static Optional<OpenOption> pastTheCache() {
        try {
            for (Object option :
                    Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants())
                if (option instanceof OpenOption direct && direct.toString().equals("DIRECT"))
                    return Optional.of(direct);
        } catch (ClassNotFoundException e) {
            // A JDK without the module jdk.unsupported.
        }
        return Optional.empty();
    }

    @Override
    public LogFile open(String name) throws IOException {
        return new ChannelFile(
                path.resolve(name),
                FileChannel.open(
                        path.resolve(name),
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS));
    }

    @Override
    public LogFile openReadOnly(String name) throws IOException {
        return new ChannelFile(
                path.resolve(name),
                FileChannel.open(
                        path.resolve(name), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
    }

    @Override
    public void rename(String from, String to) throws IOException {
        Files.move(path.resolve(from), path.resolve(to), StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(String name) throws IOException {
        Files.delete(path.resolve(name));
    }

    @Override
    public void force() throws IOException {
        forceDirectory(path);
    }

    @Override
    public LogDirectory directory(String name) throws IOException {
        return open(path.resolve(name));
    }

    @Override
    public long usableBytes() throws IOException {
        // Not by way of the file store: it wants an entry in the table of mounts, and in a chroot
        // there need not be one. What this asks the kernel is the same.
        long bytes = path.toFile().getUsableSpace();
        if (bytes == 0 && !Files.isDirectory(path)) throw new NoSuchFileException(path.toString());
        return bytes;
    }

    private final class ChannelFile implements LogFile {
        private final Path path;
        private final FileChannel channel;

        ChannelFile(Path path, FileChannel channel) {
            this.path = path;
            this.channel = channel;
        }

        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public int read(ByteBuffer into, long position) throws IOException {
            return channel.read(into, position);
        }

        @Override
        public void write(ByteBuffer[] buffers, int count, long position) throws IOException {
            int first = 0;
            while (first < count && !buffers[first].hasRemaining()) first++;
            if (first == count) return;
            // Positioned writes take one buffer only; a gathering write goes to the channel's own
            // position.
            channel.position(position);
            while (first < count) {
                channel.write(buffers, first, count - first);
                while (first < count && !buffers[first].hasRemaining()) first++;
            }
        }

        @Override
        public void write(ByteBuffer buffer, long position) throws IOException {
            long at = position;
            while (buffer.hasRemaining()) at += channel.write(buffer, at);
        }

        @Override
        public void writeZeros(long start, long end) throws IOException {
            LogFile.super.writeZeros(start == 0 ? writeZerosPastTheCache(end) : start, end);
        }

        /**
         * Writes zeros without going through the page cache: a twentieth of the processor time, and
         * the cache stays with what is read again. Not every file system can.
         *
         * @return how far it came; what is behind is left to the cache
         */
        private long writeZerosPastTheCache(long bytes) {
            long whole = bytes - bytes % ZEROS_BYTES;
            if (whole == 0 || !writesPastTheCache || PAST_THE_CACHE.isEmpty()) return 0;
            long at = 0;
            try (Arena arena = Arena.ofConfined();
                    FileChannel channel =
                            FileChannel.open(
                                    path,
                                    StandardOpenOption.WRITE,
                                    LinkOption.NOFOLLOW_LINKS,
                                    PAST_THE_CACHE.get())) {
                ByteBuffer zeros = arena.allocate(ZEROS_BYTES, ZEROS_ALIGNMENT).asByteBuffer();
                while (at < whole) at += channel.write(zeros.clear(), at);
            } catch (IOException | UnsupportedOperationException e) {
                // A disk that is full or broken says so again when the rest is written.
                if (at == 0) writesPastTheCache = false;
            }
            return at;
        }

        @Override
        public void truncate(long size) throws IOException {
            channel.truncate(size);
        }

        @Override
        public void force() throws IOException {
            channel.force(false);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
