package io.edged.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A real directory whose process dies at one call. Every call that changes something is counted:
 * create, rename, delete and force of a directory, write, truncate and force of a file. At the call
 * with the ordered number the process dies before it, after it, or in the middle of it (a write of
 * which only the first bytes got through), so that a number and a moment repeat a crash exactly.
 *
 * <p>It remembers how to undo what was not forced, for a test that goes on to take the power away,
 * too. One thread.
 */
public final class DyingDirectory implements LogDirectory {

    /** When in a call the process dies. */
    public enum Moment {
        BEFORE,
        /**
         * Half of the bytes of a write are there; a force has done nothing yet; any other call is
         * complete.
         */
        MIDDLE,
        AFTER
    }

    /** Ends the process; does not return. */
    public interface Death {
        void die(long call, String what);
    }

    /**
     * What undoes a change that no force has covered.
     *
     * @param what {@code write}: put {@code old} back at {@code offset} and {@code size} back as
     *     the file's size; {@code create}: delete {@code name}; {@code rename}: rename {@code name}
     *     back to {@code before}, then write {@code old} to {@code name} if it replaced something;
     *     {@code delete}: write {@code old} to {@code name}
     * @param old bytes in Base64; empty if there were none
     */
    public record Undo(
            String what, String name, String before, long offset, long size, String old) {}

    /** What the directories of one process share. */
    private static final class Calls {
        private final long dieAt;
        private final Moment moment;
        private final Death death;
        private long count;

        Calls(long dieAt, Moment moment, Death death) {
            this.dieAt = dieAt;
            this.moment = moment;
            this.death = death;
        }
    }

    private interface Change {
        void make() throws IOException;
    }

    /** One file, whatever its name. */
    private static final class Node {
        private String name;
        private final List<Undo> unforced = new ArrayList<>();

        Node(String name) {
            this.name = name;
        }
    }

    private final LogDirectory directory;
    private final Calls calls;
    private final Map<String, Node> nodes = new HashMap<>();
    private final List<Undo> unforcedNames = new ArrayList<>();

    /**
     * @param dieAt the number of the call, from 1; 0 for never
     */
    public DyingDirectory(LogDirectory directory, long dieAt, Moment moment, Death death) {
        this(directory, new Calls(dieAt, moment, death));
    }

    private DyingDirectory(LogDirectory directory, Calls calls) {
        this.directory = directory;
        this.calls = calls;
    }

    /** Calls so far. */
    public long calls() {
        return calls.count;
    }

    /** What undoes the unforced writes, the oldest first. Names are those of now. */
    public List<Undo> unforcedWrites() {
        var all = new ArrayList<Undo>();
        for (Node node : nodes.values())
            for (Undo undo : node.unforced)
                all.add(
                        new Undo(
                                undo.what(),
                                node.name,
                                "",
                                undo.offset(),
                                undo.size(),
                                undo.old()));
        return all;
    }

    /** What undoes the unforced changes of names, the oldest first. */
    public List<Undo> unforcedNames() {
        return List.copyOf(unforcedNames);
    }

    private void call(String verb, String name, Change change) throws IOException {
        call(verb, name, change, change);
    }

    private void call(String verb, String name, Change change, Change half) throws IOException {
        calls.count++;
        boolean last = calls.count == calls.dieAt;
        String what = verb + " " + kind(name);
        if (last && calls.moment == Moment.BEFORE) calls.death.die(calls.count, what);
        if (last && calls.moment == Moment.MIDDLE) half.make();
        else change.make();
        if (last) calls.death.die(calls.count, what);
    }

    /** A name without its numbers, so that it reads the same everywhere. */
    private static String kind(String name) {
        String suffix = name.endsWith(AtomicFile.TEMPORARY_SUFFIX) ? ".tmp" : "";
        String bare = name.substring(0, name.length() - suffix.length());
        if (bare.endsWith(".wal")) return "segment" + suffix;
        if (bare.endsWith(".prepared")) return "prepared" + suffix;
        return bare.toLowerCase(Locale.ROOT) + suffix;
    }

    private Node node(String name) {
        return nodes.computeIfAbsent(name, Node::new);
    }

    private byte[] content(String name) throws IOException {
        try (LogFile file = directory.openReadOnly(name)) {
            return bytes(file, 0, file.size());
        }
    }

    private static byte[] bytes(LogFile file, long from, long to) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) Math.max(0, to - from));
        while (bytes.hasRemaining() && file.read(bytes, from + bytes.position()) > 0) {
            // A short read continues where it ended.
        }
        return bytes.array();
    }

    private static String encoded(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    @Override
    public String describe() {
        return directory.describe();
    }

    @Override
    public List<String> names() throws IOException {
        return directory.names();
    }

    @Override
    public LogFile create(String name) throws IOException {
        var made = new LogFile[1];
        call(
                "create",
                name,
                () -> {
                    made[0] = directory.create(name);
                    unforcedNames.add(new Undo("create", name, "", 0, 0, ""));
                });
        return new DyingFile(made[0], node(name));
    }

    @Override
    public LogFile open(String name) throws IOException {
        return new DyingFile(directory.open(name), node(name));
    }

    @Override
    public LogFile openReadOnly(String name) throws IOException {
        return directory.openReadOnly(name);
    }

    @Override
    public void rename(String from, String to) throws IOException {
        byte[] replaced = directory.names().contains(to) ? content(to) : new byte[0];
        call(
                "rename",
                to,
                () -> {
                    directory.rename(from, to);
                    unforcedNames.add(
                            new Undo("rename", to, from, 0, replaced.length, encoded(replaced)));
                    Node node = node(from);
                    nodes.remove(from);
                    node.name = to;
                    nodes.put(to, node);
                });
    }

    @Override
    public void delete(String name) throws IOException {
        byte[] deleted = content(name);
        call(
                "delete",
                name,
                () -> {
                    directory.delete(name);
                    unforcedNames.add(
                            new Undo("delete", name, "", 0, deleted.length, encoded(deleted)));
                    nodes.remove(name);
                });
    }

    @Override
    public void force() throws IOException {
        call(
                "force",
                "directory",
                () -> {
                    directory.force();
                    unforcedNames.clear();
                },
                () -> {});
    }

    @Override
    public LogDirectory directory(String name) throws IOException {
        return new DyingDirectory(directory.directory(name), calls);
    }

    @Override
    public long usableBytes() throws IOException {
        return directory.usableBytes();
    }

    private final class DyingFile implements LogFile {
        private final LogFile file;
        private final Node node;

        DyingFile(LogFile file, Node node) {
            this.file = file;
            this.node = node;
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public int read(ByteBuffer into, long position) throws IOException {
            return file.read(into, position);
        }

        @Override
        public void write(ByteBuffer[] buffers, int count, long position) throws IOException {
            int bytes = 0;
            for (int i = 0; i < count; i++) bytes += buffers[i].remaining();
            remember(position, position + bytes);
            int half = bytes / 2;
            call(
                    "write",
                    node.name,
                    () -> file.write(buffers, count, position),
                    () -> {
                        ByteBuffer start = ByteBuffer.allocate(half);
                        for (int i = 0; i < count && start.hasRemaining(); i++) {
                            ByteBuffer part = buffers[i].duplicate();
                            part.limit(
                                    part.position()
                                            + Math.min(part.remaining(), start.remaining()));
                            start.put(part);
                        }
                        file.write(start.flip(), position);
                    });
        }

        @Override
        public void write(ByteBuffer buffer, long position) throws IOException {
            write(new ByteBuffer[] {buffer}, 1, position);
        }

        @Override
        public void truncate(long size) throws IOException {
            remember(size, file.size());
            call("truncate", node.name, () -> file.truncate(size));
        }

        @Override
        public void force() throws IOException {
            call(
                    "force",
                    node.name,
                    () -> {
                        file.force();
                        node.unforced.clear();
                    },
                    () -> {});
        }

        private void remember(long from, long to) throws IOException {
            byte[] old = bytes(file, from, Math.max(from, Math.min(to, file.size())));
            node.unforced.add(new Undo("write", node.name, "", from, file.size(), encoded(old)));
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
