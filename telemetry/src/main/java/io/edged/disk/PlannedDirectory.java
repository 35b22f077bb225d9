package io.edged.disk;

import org.jspecify.annotations.Nullable;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A directory that keeps every change to itself: who writes to it reads it back, and the real one
 * stays as it is. Afterwards {@link #changes} says what would have been changed. Copied ranges are
 * remembered as such and not held, so it needs little memory even where large files are rewritten.
 * One thread.
 */
public final class PlannedDirectory implements LogDirectory, Closeable {

    /** What would happen to one file. */
    public enum Action {
        CREATE,
        REPLACE,
        DELETE
    }

    /**
     * One change, intermediate steps left out.
     *
     * @param bytesBefore size of the file as it is; 0 if there is none
     * @param bytesAfter size that it would have; 0 if it would go
     */
    public record Change(Action action, String name, long bytesBefore, long bytesAfter) {}

    private static final int MAX_OPEN_FILES = 16;

    /** Files up to here are compared to see whether they would change at all. */
    private static final int COMPARED_BYTES = 1 << 20;

    private final LogDirectory real;
    private final boolean exists;
    private final boolean holdsContent;

    /** What was planned by name; a null file is one that would be deleted. */
    private final Map<String, @Nullable Content> planned = new TreeMap<>();

    private final Map<String, PlannedDirectory> inner = new TreeMap<>();

    /** Real files that were read last, the longest unread one first. */
    private final Map<String, LogFile> opened = new LinkedHashMap<>(16, 0.75f, true);

    /** Plans changes to {@code real}, which is only read. */
    public PlannedDirectory(LogDirectory real) {
        this(real, true, true);
    }

    private PlannedDirectory(LogDirectory real, boolean exists, boolean holdsContent) {
        this.real = real;
        this.exists = exists;
        this.holdsContent = holdsContent;
    }

    /** What would be changed, by name. */
    public List<Change> changes() throws IOException {
        var changes = new ArrayList<Change>();
        List<String> before = realNames();
        for (var entry : planned.entrySet()) {
            String name = entry.getKey();
            Content content = entry.getValue();
            boolean known = before.contains(name);
            if (content == null ? !known : known && isAsItWas(name, content)) continue;
            Action action =
                    content == null ? Action.DELETE : known ? Action.REPLACE : Action.CREATE;
            changes.add(
                    new Change(
                            action,
                            name,
                            known ? realFile(name).size() : 0,
                            content == null ? 0 : content.size));
        }
        for (var directory : inner.entrySet())
            for (Change change : directory.getValue().changes())
                changes.add(
                        new Change(
                                change.action(),
                                directory.getKey() + "/" + change.name(),
                                change.bytesBefore(),
                                change.bytesAfter()));
        return changes;
    }

    /** Whether a small file would be replaced by the same bytes. */
    private boolean isAsItWas(String name, Content content) throws IOException {
        LogFile before = realFile(name);
        if (before.size() != content.size || content.size > COMPARED_BYTES || !holdsContent)
            return false;
        return bytes(before).equals(bytes(new Handle(content)));
    }

    private static ByteBuffer bytes(LogFile file) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
        while (bytes.hasRemaining() && file.read(bytes, bytes.position()) > 0) {
            // A short read continues where it ended.
        }
        return bytes.flip();
    }

    private List<String> realNames() throws IOException {
        return exists ? real.names() : List.of();
    }

    private LogFile realFile(String name) throws IOException {
        LogFile file = opened.get(name);
        if (file == null) {
            if (!exists) throw new NoSuchFileException(name);
            file = real.openReadOnly(name);
            opened.put(name, file);
            if (opened.size() > MAX_OPEN_FILES) {
                var eldest = opened.entrySet().iterator();
                eldest.next().getValue().close();
                eldest.remove();
            }
        }
        return file;
    }

    @Override
    public String describe() {
        return real.describe();
    }

    @Override
    public List<String> names() throws IOException {
        var names = new TreeSet<>(realNames());
        planned.forEach((name, content) -> {
            if (content == null) names.remove(name);
            else names.add(name);
        });
        return List.copyOf(names);
    }

    @Override
    public LogFile create(String name) throws IOException {
        if (names().contains(name)) throw new FileAlreadyExistsException(name);
        var content = new Content();
        planned.put(name, content);
        return new Handle(content);
    }

    @Override
    public LogFile open(String name) throws IOException {
        Content content = content(name);
        planned.put(name, content);
        return new Handle(content);
    }

    @Override
    public LogFile openReadOnly(String name) throws IOException {
        return new Handle(content(name));
    }

    private Content content(String name) throws IOException {
        Content content = planned.get(name);
        if (content != null) return content;
        if (planned.containsKey(name)) throw new NoSuchFileException(name);
        var whole = new Content();
        whole.size = realFile(name).size();
        whole.extents.put(0L, new Extent(whole.size, new FileBytes(name, 0)));
        return whole;
    }

    @Override
    public void rename(String from, String to) throws IOException {
        Content content = content(from);
        planned.put(to, content);
        planned.put(from, null);
    }

    @Override
    public void delete(String name) throws IOException {
        content(name);
        planned.put(name, null);
    }

    @Override
    public void force() {
        // Nothing of it will ever be durable.
    }

    @Override
    public LogDirectory directory(String name) throws IOException {
        PlannedDirectory known = inner.get(name);
        if (known != null) return known;
        PlannedDirectory directory;
        try {
            directory = new PlannedDirectory(real.directory(name), true, false);
        } catch (NoSuchFileException e) {
            directory = new PlannedDirectory(real, false, false);
        }
        inner.put(name, directory);
        return directory;
    }

    @Override
    public long usableBytes() throws IOException {
        return real.usableBytes();
    }

    @Override
    public void close() throws IOException {
        for (PlannedDirectory directory : inner.values()) directory.close();
        for (LogFile file : opened.values()) file.close();
        opened.clear();
    }

    /** Where the bytes of a range come from. */
    private interface Source {
        Source behind(long bytes);

        /** Reads from the source, at {@code skip} bytes behind its start. */
        int read(ByteBuffer into, long skip) throws IOException;
    }

    private final class FileBytes implements Source {
        private final String name;
        private final long offset;

        FileBytes(String name, long offset) {
            this.name = name;
            this.offset = offset;
        }

        @Override
        public Source behind(long bytes) {
            return new FileBytes(name, offset + bytes);
        }

        @Override
        public int read(ByteBuffer into, long skip) throws IOException {
            return realFile(name).read(into, offset + skip);
        }
    }

    private record HeldBytes(ByteBuffer bytes) implements Source {
        @Override
        public Source behind(long skip) {
            return new HeldBytes(bytes.slice((int) skip, bytes.remaining() - (int) skip));
        }

        @Override
        public int read(ByteBuffer into, long skip) {
            int count = Math.min(into.remaining(), bytes.remaining() - (int) skip);
            into.put(bytes.slice((int) skip, count));
            return count;
        }
    }

    private record Extent(long length, Source source) {}

    private static final class Content {
        final TreeMap<Long, Extent> extents = new TreeMap<>();
        long size;

        /** Puts an extent where nothing is yet, or over exactly what an earlier one covered. */
        void put(long at, Extent extent) {
            Map.Entry<Long, Extent> before = extents.lowerEntry(at + extent.length());
            while (before != null && before.getKey() + before.getValue().length() > at) {
                cut(before.getKey(), before.getValue(), at, at + extent.length());
                before = extents.lowerEntry(at + extent.length());
            }
            extents.put(at, extent);
            size = Math.max(size, at + extent.length());
        }

        /** Takes {@code from} to {@code to} out of an extent. */
        private void cut(long start, Extent extent, long from, long to) {
            extents.remove(start);
            long end = start + extent.length();
            if (start < from) extents.put(start, new Extent(from - start, extent.source()));
            if (end > to) extents.put(to, new Extent(end - to, extent.source().behind(to - start)));
        }

        void truncate(long bytes) {
            for (var last = extents.lastEntry();
                    last != null && last.getKey() + last.getValue().length() > bytes;
                    last = extents.lastEntry())
                cut(last.getKey(), last.getValue(), bytes, Long.MAX_VALUE);
            size = bytes;
        }

        int read(ByteBuffer into, long position) throws IOException {
            if (position >= size) return -1;
            Map.Entry<Long, Extent> entry = extents.floorEntry(position);
            long skip = entry == null ? 0 : position - entry.getKey();
            int limit = into.limit();
            try {
                if (entry == null || skip >= entry.getValue().length()) {
                    Long next = extents.higherKey(position);
                    long hole = (next == null ? size : next) - position;
                    int zeros = (int) Math.min(into.remaining(), hole);
                    for (int i = 0; i < zeros; i++) into.put((byte) 0);
                    return zeros;
                }
                long left = entry.getValue().length() - skip;
                into.limit((int) Math.min(limit, into.position() + left));
                return entry.getValue().source().read(into, skip);
            } finally {
                into.limit(limit);
            }
        }
    }

    private final class Handle implements LogFile {
        private final Content content;

        Handle(Content content) {
            this.content = content;
        }

        @Override
        public long size() {
            return content.size;
        }

        @Override
        public int read(ByteBuffer into, long position) throws IOException {
            return content.read(into, position);
        }

        @Override
        public void write(ByteBuffer[] buffers, int count, long position) {
            long at = position;
            for (int i = 0; i < count; i++) {
                long bytes = buffers[i].remaining();
                write(buffers[i], at);
                at += bytes;
            }
        }

        @Override
        public void write(ByteBuffer buffer, long position) {
            int bytes = buffer.remaining();
            if (bytes == 0) return;
            if (!holdsContent) {
                buffer.position(buffer.limit());
                content.size = Math.max(content.size, position + bytes);
                return;
            }
            ByteBuffer held = ByteBuffer.allocate(bytes).put(buffer).flip();
            content.put(position, new Extent(bytes, new HeldBytes(held)));
        }

        @Override
        public void copy(LogFile from, long start, long end, long at) throws IOException {
            if (!(from instanceof Handle other))
                throw new IOException("copying from a file that is not of this directory");
            for (long position = start; position < end; ) {
                Map.Entry<Long, Extent> entry = other.content.extents.floorEntry(position);
                if (entry == null || entry.getKey() + entry.getValue().length() <= position)
                    throw new IOException("file ends at " + position + ", expected " + end);
                long skip = position - entry.getKey();
                long length = Math.min(end - position, entry.getValue().length() - skip);
                content.put(
                        at + position - start,
                        new Extent(length, entry.getValue().source().behind(skip)));
                position += length;
            }
        }

        @Override
        public void truncate(long size) {
            content.truncate(size);
        }

        @Override
        public void force() {
            // Nothing of it will ever be durable.
        }

        @Override
        public void close() {
            // The real files are closed with the directory.
        }
    }
}
