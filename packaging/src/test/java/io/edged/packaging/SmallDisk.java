package io.edged.packaging;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A real ext4 file system on a small device of its own, which can be full, hang, or fail. Where
 * such a thing cannot be had (no root, no loop devices, a program is missing) the test is skipped
 * and says why.
 */
final class SmallDisk implements AutoCloseable {

    private static final int PATIENCE_SECONDS = 60;

    private interface Undo {
        void undo() throws IOException;
    }

    private final Path work;
    private final Path mountPoint;
    private final List<Undo> undos = new ArrayList<>();
    private String device = "";

    private SmallDisk(Path work) {
        this.work = work;
        this.mountPoint = work.resolve("mount");
    }

    /** One in a file. */
    static SmallDisk ofFile(Path work, int mebibytes) throws IOException {
        Commands.needs("losetup", "mkfs.ext4", "mount", "umount", "fsfreeze");
        var disk = new SmallDisk(work);
        disk.begin(disk.image(mebibytes), "");
        return disk;
    }

    /**
     * One whose writes fail on command. The device is a network block device that a FUSE file
     * shows, for a kernel need not have a driver for it.
     */
    static SmallDisk thatCanFail(Path work, int mebibytes) throws IOException {
        Commands.needs(
                "losetup", "mkfs.ext4", "mount", "umount", "nbdkit", "nbdfuse", "fusermount3");
        var disk = new SmallDisk(work);
        Path exported =
                disk.export(
                        mebibytes,
                        "error",
                        "error=EIO",
                        "error-rate=0%",
                        "error-pwrite-rate=100%",
                        "error-pwrite-file=" + disk.failure());
        // Nothing but data shall be written while the device fails: no commit of the journal.
        disk.begin(exported, "-o commit=300");
        return disk;
    }

    /** One that takes so many bits a second and no more. */
    static SmallDisk thatIsSlow(Path work, int mebibytes, long bitsPerSecond) throws IOException {
        Commands.needs(
                "losetup", "mkfs.ext4", "mount", "umount", "nbdkit", "nbdfuse", "fusermount3");
        var disk = new SmallDisk(work);
        disk.begin(disk.export(mebibytes, "rate", "rate=" + bitsPerSecond), "");
        return disk;
    }

    /** A file that is a network block device behind a filter. */
    private Path export(int mebibytes, String filter, String... parameters) throws IOException {
        Path image = image(mebibytes);
        Path socket = work.resolve("nbd");
        Path exported = Files.createFile(work.resolve("exported"));
        var command =
                new ArrayList<>(
                        List.of("nbdkit", "-f", "-U", socket.toString(), "--filter=" + filter));
        command.addAll(List.of("file", image.toString()));
        command.addAll(List.of(parameters));
        serve(socket, command.toArray(new String[0]));
        serve(null, "nbdfuse", exported.toString(), "--unix", socket.toString());
        undos.add(() -> Commands.run("fusermount3", "-u", exported.toString()));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (Files.size(exported) == 0) {
            if (System.nanoTime() > deadline) skip("nbdfuse does not export");
            pause();
        }
        return exported;
    }

    private void skip(String why) throws IOException {
        close();
        Commands.skipped(why);
    }

    private Path image(int mebibytes) throws IOException {
        Path image = work.resolve("image");
        Commands.run("truncate", "-s", mebibytes + "M", image.toString());
        return image;
    }

    private void begin(Path backing, String options) throws IOException {
        try {
            device = Commands.run("losetup", "-f", "--show", backing.toString()).strip();
            undos.add(() -> Commands.run("losetup", "-d", device));
            Commands.run("mkfs.ext4", "-q", "-F", "-m", "0", device);
            Files.createDirectory(mountPoint);
            mount(options);
        } catch (IOException e) {
            skip("no loop device can be mounted: " + e.getMessage());
        }
    }

    private void mount(String options) throws IOException {
        var command = new ArrayList<>(List.of("mount"));
        if (!options.isEmpty()) command.addAll(List.of(options.split(" ", -1)));
        command.addAll(List.of(device, mountPoint.toString()));
        Commands.run(command.toArray(new String[0]));
        undos.add(() -> Commands.run("umount", mountPoint.toString()));
    }

    /** Where it is mounted. */
    Path path() {
        return mountPoint;
    }

    /**
     * What a power cycle does to the page cache: nothing is shown any more that is not on the disk.
     */
    void remount() throws IOException {
        undos.removeLast().undo();
        mount("");
    }

    /** Whoever writes to it sleeps until {@link #thaw}. */
    void freeze() throws IOException {
        Commands.run("fsfreeze", "-f", mountPoint.toString());
        undos.add(() -> Commands.run("fsfreeze", "-u", mountPoint.toString()));
    }

    void thaw() throws IOException {
        undos.removeLast().undo();
    }

    private Path failure() {
        return work.resolve("writes-fail");
    }

    /** From now on every write to the device is an error. */
    void fail() throws IOException {
        Files.createFile(failure());
    }

    /** It works again. */
    void heal() throws IOException {
        Files.delete(failure());
    }

    private void serve(@Nullable Path socket, String... command) throws IOException {
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(work.resolve(command[0] + ".log").toFile())
                        .start();
        undos.add(() -> {
            process.destroy();
            try {
                if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) process.destroyForcibly();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (socket != null && !Files.exists(socket)) {
            if (!process.isAlive() || System.nanoTime() > deadline)
                skip(command[0] + " does not start");
            pause();
        }
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    @Override
    public void close() throws IOException {
        IOException first = null;
        for (Undo undo : undos.reversed()) {
            try {
                undo.undo();
            } catch (IOException e) {
                if (first == null) first = e;
            }
        }
        undos.clear();
        if (first != null) throw first;
    }
}
