package io.edged.disk;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * A disk in memory that keeps only what it promised. Each file has a durable content and what the
 * page cache shows; each name may be durable or not. {@link #powerLoss} keeps any subset of the
 * unforced units (512 bytes or 4 KiB), of the unforced sizes and of the unforced names.
 *
 * <p>On order it also fails: the n-th changing call loses the power, a force returns an error (and,
 * like Linux, marks the pages clean), the device is full, a unit cannot be read. Any thread.
 */
public final class CrashingDirectory implements LogDirectory {

    /**
     * The power went away in the middle of a call. Nothing works until {@link #powerLoss} gives a
     * new disk.
     */
    public static final class PowerLoss extends IOException {
        private static final long serialVersionUID = 1;

        PowerLoss(long call) {
            super("power lost in call " + call);
        }
    }

    private static final int SECTOR = 512;

    /** One device: what its directories share. */
    private static final class Device {
        long calls;
        long powerLossAtCall = Long.MAX_VALUE;
        long failForceAtCall = Long.MAX_VALUE;
        long capacityBytes = Long.MAX_VALUE;
        boolean off;
        boolean forcesForgotten;
        boolean directoryForcesForgotten;
        final List<String> trace = new ArrayList<>();

        synchronized void call(String what) throws PowerLoss {
            if (off) throw new PowerLoss(calls);
            calls++;
            trace.add(what);
            if (calls >= powerLossAtCall) {
                off = true;
                throw new PowerLoss(calls);
            }
        }
    }

    /** One file, whatever its name. */
    private static final class Inode {
        byte[] cached = new byte[0];
        byte[] durable = new byte[0];
        int size;
        int durableSize;
        final Set<Integer> dirtySectors = new HashSet<>();
        final Set<Integer> unreadableSectors = new HashSet<>();

        void ensure(int bytes) {
            if (bytes > cached.length)
                cached = Arrays.copyOf(cached, Math.max(bytes, cached.length * 2));
        }
    }

    private sealed interface NameChange {
        record Link(String name, Inode inode) implements NameChange {}

        record Unlink(String name, Inode inode) implements NameChange {}

        record Rename(String from, String to, Inode inode) implements NameChange {}
    }

    private final Device device;
    private final String path;
    private final TreeMap<String, Inode> names = new TreeMap<>();
    private final TreeMap<String, Inode> durableNames = new TreeMap<>();
    private final List<NameChange> unforced = new ArrayList<>();
    private final Map<String, CrashingDirectory> directories = new HashMap<>();

    public CrashingDirectory() {
        this(new Device(), "/disk");
    }

    private CrashingDirectory(Device device, String path) {
        this.device = device;
        this.path = path;
    }

    // ---- orders

    /** The {@code call}-th changing call from the device's first one loses the power. */
    public void losePowerAtCall(long call) {
        device.powerLossAtCall = call;
    }

    /**
     * The next force of a file from that call on fails once and forgets what it should have forced.
     */
    public void failForceAtCall(long call) {
        device.failForceAtCall = call;
    }

    /** Every file together can hold so many bytes. */
    public void capacity(long bytes) {
        device.capacityBytes = bytes;
    }

    /** Forces of files return at once and do nothing: what a test must notice. */
    public void forgetForces() {
        device.forcesForgotten = true;
    }

    /** Forces of directories return at once and do nothing. */
    public void forgetDirectoryForces() {
        device.directoryForcesForgotten = true;
    }

    public synchronized void makeUnreadable(String name, long offset) {
        inode(name).unreadableSectors.add((int) (offset / SECTOR));
    }

    /** Changes a byte behind the writer's back, in the cache and on the disk. */
    public synchronized void flipBit(String name, int offset, int bit) {
        Inode inode = inode(name);
        inode.cached[offset] ^= (byte) (1 << bit);
        if (offset < inode.durable.length) inode.durable[offset] = inode.cached[offset];
    }

    public synchronized byte[] content(String name) {
        Inode inode = inode(name);
        return Arrays.copyOf(inode.cached, inode.size);
    }

    /** Puts a file there, durably. */
    public synchronized void put(String name, byte[] content) {
        var inode = new Inode();
        inode.cached = content.clone();
        inode.durable = content.clone();
        inode.size = content.length;
        inode.durableSize = content.length;
        names.put(name, inode);
        durableNames.put(name, inode);
    }

    public synchronized void remove(String name) {
        names.remove(name);
        durableNames.remove(name);
    }

    public long calls() {
        return device.calls;
    }

    public List<String> trace() {
        return List.copyOf(device.trace);
    }

    private Inode inode(String name) {
        Inode inode = names.get(name);
        if (inode == null)
            throw new IllegalArgumentException("no file " + name + " in " + names.keySet());
        return inode;
    }

    // ---- crashes

    /**
     * The process is gone, the machine goes on: everything written is still seen, nothing more of
     * it is forced.
     */
    public CrashingDirectory processKilled() {
        var device = new Device();
        return copy(device, Map.of(), null);
    }

    /** The machine after the power came back: any subset of what was not forced. */
    public CrashingDirectory powerLoss(RandomGenerator random) {
        return copy(new Device(), new HashMap<>(), random);
    }

    private synchronized CrashingDirectory copy(
            Device on,
            Map<Inode, Inode> unused,
            @org.jspecify.annotations.Nullable RandomGenerator random) {
        var result = new CrashingDirectory(on, path);
        Map<Inode, Inode> copies = new HashMap<>();
        Map<String, Inode> kept;
        if (random == null) {
            kept = names;
        } else {
            kept = new TreeMap<>(durableNames);
            // Each change alone may have reached the disk; those that did are applied in their
            // order.
            for (NameChange change : unforced) {
                if (random.nextBoolean()) continue;
                switch (change) {
                    case NameChange.Link(String name, Inode inode) -> kept.put(name, inode);
                    case NameChange.Unlink(String name, Inode inode) -> kept.remove(name, inode);
                    case NameChange.Rename(String from, String to, Inode inode) -> {
                        kept.remove(from, inode);
                        kept.put(to, inode);
                    }
                }
            }
        }
        kept.forEach((name, inode) ->
                result.names.put(
                        name,
                        copies.computeIfAbsent(
                                inode,
                                old -> random == null ? asSeen(old) : afterLoss(old, random))));
        if (random == null) {
            durableNames.forEach((name, inode) ->
                    result.durableNames.put(
                            name, copies.computeIfAbsent(inode, CrashingDirectory::asSeen)));
            for (NameChange change : unforced) {
                result.unforced.add(
                        switch (change) {
                            case NameChange.Link(String name, Inode inode) ->
                                    new NameChange.Link(
                                            name,
                                            copies.computeIfAbsent(
                                                    inode, CrashingDirectory::asSeen));
                            case NameChange.Unlink(String name, Inode inode) ->
                                    new NameChange.Unlink(
                                            name,
                                            copies.computeIfAbsent(
                                                    inode, CrashingDirectory::asSeen));
                            case NameChange.Rename(String from, String to, Inode inode) ->
                                    new NameChange.Rename(
                                            from,
                                            to,
                                            copies.computeIfAbsent(
                                                    inode, CrashingDirectory::asSeen));
                        });
            }
        } else {
            result.durableNames.putAll(result.names);
        }
        directories.forEach((name, directory) ->
                result.directories.put(name, directory.copy(on, Map.of(), random)));
        return result;
    }

    private static Inode asSeen(Inode old) {
        var inode = new Inode();
        inode.cached = old.cached.clone();
        inode.durable = old.durable.clone();
        inode.size = old.size;
        inode.durableSize = old.durableSize;
        inode.dirtySectors.addAll(old.dirtySectors);
        inode.unreadableSectors.addAll(old.unreadableSectors);
        return inode;
    }

    private static Inode afterLoss(Inode old, RandomGenerator random) {
        var inode = new Inode();
        inode.size =
                old.size == old.durableSize || random.nextBoolean() ? old.durableSize : old.size;
        inode.durableSize = inode.size;
        inode.cached = Arrays.copyOf(old.durable, Math.max(old.durable.length, inode.size));
        int sectorsPerUnit = random.nextBoolean() ? 1 : 8;
        Map<Integer, Boolean> units = new HashMap<>();
        for (int sector : old.dirtySectors.stream().sorted().toList()) {
            boolean survives =
                    units.computeIfAbsent(sector / sectorsPerUnit, unit -> random.nextBoolean());
            int from = sector * SECTOR;
            if (!survives || from >= inode.cached.length || from >= old.cached.length) continue;
            int bytes = Math.min(SECTOR, Math.min(inode.cached.length, old.cached.length) - from);
            System.arraycopy(old.cached, from, inode.cached, from, bytes);
        }
        Arrays.fill(inode.cached, inode.size, inode.cached.length, (byte) 0);
        inode.durable = inode.cached.clone();
        inode.unreadableSectors.addAll(old.unreadableSectors);
        return inode;
    }

    // ---- the directory

    @Override
    public String describe() {
        return path;
    }

    @Override
    public synchronized List<String> names() throws IOException {
        if (device.off) throw new PowerLoss(device.calls);
        return List.copyOf(names.keySet());
    }

    @Override
    public synchronized LogFile create(String name) throws IOException {
        device.call("create " + name);
        if (names.containsKey(name)) throw new FileAlreadyExistsException(name);
        var inode = new Inode();
        names.put(name, inode);
        unforced.add(new NameChange.Link(name, inode));
        return new File(name, inode);
    }

    @Override
    public synchronized LogFile open(String name) throws IOException {
        if (device.off) throw new PowerLoss(device.calls);
        Inode inode = names.get(name);
        if (inode == null) throw new FileNotFoundException(name);
        return new File(name, inode);
    }

    @Override
    public LogFile openReadOnly(String name) throws IOException {
        return open(name);
    }

    @Override
    public synchronized void rename(String from, String to) throws IOException {
        device.call("rename " + from + " " + to);
        Inode inode = names.remove(from);
        if (inode == null) throw new FileNotFoundException(from);
        names.put(to, inode);
        unforced.add(new NameChange.Rename(from, to, inode));
    }

    @Override
    public synchronized void delete(String name) throws IOException {
        device.call("delete " + name);
        Inode inode = names.remove(name);
        if (inode == null) throw new FileNotFoundException(name);
        unforced.add(new NameChange.Unlink(name, inode));
    }

    @Override
    public synchronized void force() throws IOException {
        device.call("force directory");
        if (device.directoryForcesForgotten) return;
        durableNames.clear();
        durableNames.putAll(names);
        unforced.clear();
    }

    @Override
    public synchronized LogDirectory directory(String name) throws IOException {
        if (device.off) throw new PowerLoss(device.calls);
        return directories.computeIfAbsent(
                name, key -> new CrashingDirectory(device, path + "/" + key));
    }

    public synchronized CrashingDirectory subdirectory(String name) {
        return directories.computeIfAbsent(
                name, key -> new CrashingDirectory(device, path + "/" + key));
    }

    @Override
    public synchronized long usableBytes() {
        if (device.capacityBytes == Long.MAX_VALUE) return Long.MAX_VALUE / 2;
        return Math.max(0, device.capacityBytes - usedBytes());
    }

    private long usedBytes() {
        return new HashSet<>(names.values()).stream().mapToLong(inode -> inode.size).sum();
    }

    private final class File implements LogFile {
        private final String name;
        private final Inode inode;

        File(String name, Inode inode) {
            this.name = name;
            this.inode = inode;
        }

        @Override
        public long size() throws IOException {
            synchronized (CrashingDirectory.this) {
                if (device.off) throw new PowerLoss(device.calls);
                return inode.size;
            }
        }

        @Override
        public int read(ByteBuffer into, long position) throws IOException {
            synchronized (CrashingDirectory.this) {
                if (device.off) throw new PowerLoss(device.calls);
                if (position >= inode.size) return -1;
                int bytes = (int) Math.min(into.remaining(), inode.size - position);
                for (int sector : inode.unreadableSectors)
                    if ((long) sector * SECTOR < position + bytes
                            && (sector + 1L) * SECTOR > position)
                        throw new IOException(
                                "Input/output error reading " + name + " at " + position);
                into.put(inode.cached, (int) position, bytes);
                return bytes;
            }
        }

        @Override
        public void write(ByteBuffer[] buffers, int count, long position) throws IOException {
            synchronized (CrashingDirectory.this) {
                int bytes = 0;
                for (int i = 0; i < count; i++) bytes += buffers[i].remaining();
                ByteBuffer all = ByteBuffer.allocate(bytes);
                for (int i = 0; i < count; i++) all.put(buffers[i]);
                write(all.flip(), position);
            }
        }

        @Override
        public void write(ByteBuffer buffer, long position) throws IOException {
            synchronized (CrashingDirectory.this) {
                int start = (int) position;
                int end = start + buffer.remaining();
                if (end > inode.size && usedBytes() - inode.size + end > device.capacityBytes) {
                    device.call("write " + name);
                    throw new IOException("No space left on device");
                }
                // The bytes are in the cache, and may reach the disk, even if the power goes away
                // in this call.
                inode.ensure(end);
                buffer.get(inode.cached, start, end - start);
                if (end > inode.size) inode.size = end;
                if (end > start)
                    for (int sector = start / SECTOR; sector <= (end - 1) / SECTOR; sector++)
                        inode.dirtySectors.add(sector);
                device.call("write " + name + " " + start + "-" + end);
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            synchronized (CrashingDirectory.this) {
                if (size < inode.size) {
                    Arrays.fill(inode.cached, (int) size, inode.size, (byte) 0);
                    inode.size = (int) size;
                }
                device.call("truncate " + name + " " + size);
            }
        }

        @Override
        public void force() throws IOException {
            synchronized (CrashingDirectory.this) {
                device.call("force " + name);
                if (device.forcesForgotten) return;
                if (device.calls >= device.failForceAtCall) {
                    device.failForceAtCall = Long.MAX_VALUE;
                    inode.dirtySectors
                            .clear(); // clean in the cache, not on the disk: the next force will
                    // succeed
                    throw new IOException("Input/output error forcing " + name);
                }
                inode.durable =
                        Arrays.copyOf(
                                inode.durable, Math.max(inode.durable.length, inode.cached.length));
                for (int sector : inode.dirtySectors) {
                    int from = sector * SECTOR;
                    int bytes = Math.min(SECTOR, inode.cached.length - from);
                    if (bytes > 0) System.arraycopy(inode.cached, from, inode.durable, from, bytes);
                }
                if (inode.size < inode.durable.length)
                    Arrays.fill(inode.durable, inode.size, inode.durable.length, (byte) 0);
                inode.dirtySectors.clear();
                inode.durableSize = inode.size;
            }
        }

        @Override
        public void close() {
            // Closing promises nothing.
        }
    }
}
