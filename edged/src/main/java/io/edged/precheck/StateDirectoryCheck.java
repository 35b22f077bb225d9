package io.edged.precheck;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.disk.AtomicFile;
import io.edged.disk.DirectoryLock;
import io.edged.disk.FileSystemDirectory;
import io.edged.wal.QuickCheck;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * The state directory: ours, on a file system that keeps its word, with room, and with a log that
 * can be opened.
 */
final class StateDirectoryCheck {

    private static final String PROBE = "precheck";

    /** What the small files beside the log need. */
    private static final long MIN_FREE_BYTES = 1 << 20;

    private static final int MAX_FILES = 100_000;

    private static final Set<PosixFilePermission> OURS =
            EnumSet.of(
                    PosixFilePermission.OWNER_READ,
                    PosixFilePermission.OWNER_WRITE,
                    PosixFilePermission.OWNER_EXECUTE);

    private final EdgeConfig config;
    private final Path path;
    private final Consumer<String> lines;

    StateDirectoryCheck(EdgeConfig config, Consumer<String> lines) {
        this.config = config;
        this.path = config.storage().dir();
        this.lines = lines;
    }

    /**
     * Makes sure that there is a directory of ours and takes it.
     *
     * @throws ExitException {@code STATE_DIRECTORY}: it cannot be used, or a daemon has it
     */
    DirectoryLock take() {
        if (Files.isSymbolicLink(path))
            throw refused("is a symbolic link; name the directory itself in storage.dir");
        try {
            if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                FileSystemDirectory.open(path);
                lines.accept("note  state: made the directory " + path);
            } else if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
                throw refused("is not a directory; name one in storage.dir, or move the file away");
            owned();
            return DirectoryLock.take(
                    path, "process " + ProcessHandle.current().pid() + " (precheck)");
        } catch (DirectoryLock.HeldException e) {
            throw new ExitException(
                    ExitCode.STATE_DIRECTORY,
                    e.getMessage() + "; the precheck runs before the daemon starts",
                    e);
        } catch (IOException e) {
            throw refused(path, e);
        }
    }

    /** Before anything is written, so that a precheck by the wrong user leaves nothing behind. */
    private void owned() throws IOException {
        Object own = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        Object owner = Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (!owner.equals(own))
            throw refused(
                    "belongs to "
                            + Files.getOwner(path).getName()
                            + ", and this runs as user "
                            + own
                            + "; run it as that user, or: chown -R "
                            + own
                            + " "
                            + path);
        Set<PosixFilePermission> mode = Files.getPosixFilePermissions(path);
        if (!mode.equals(OURS))
            throw refused(
                    "has the mode "
                            + PosixFilePermissions.toString(mode)
                            + "; run: chmod 700 "
                            + path);
        Optional<Path> foreign = foreign(own);
        if (foreign.isPresent())
            throw refused(
                    "holds a file of "
                            + Files.getOwner(foreign.get(), LinkOption.NOFOLLOW_LINKS).getName()
                            + ", "
                            + foreign.get()
                            + "; run: chown -R "
                            + own
                            + " "
                            + path);
    }

    /** Something in it that another user owns: left by a daemon that ran as another user. */
    private Optional<Path> foreign(Object own) throws IOException {
        var found = new Path[1];
        Files.walkFileTree(
                path,
                new SimpleFileVisitor<>() {
                    private int seen;

                    @Override
                    public FileVisitResult preVisitDirectory(
                            Path directory, BasicFileAttributes attributes) throws IOException {
                        return look(directory);
                    }

                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        return look(file);
                    }

                    private FileVisitResult look(Path each) throws IOException {
                        Object owner =
                                Files.getAttribute(each, "unix:uid", LinkOption.NOFOLLOW_LINKS);
                        if (!owner.equals(own)) found[0] = each;
                        return found[0] == null && ++seen < MAX_FILES
                                ? FileVisitResult.CONTINUE
                                : FileVisitResult.TERMINATE;
                    }
                });
        return Optional.ofNullable(found[0]);
    }

    /** The rest, while the directory is held. */
    void run() throws IOException {
        String type = Files.getFileStore(path).type();
        if (!config.precheck().fileSystems().contains(type))
            throw refused(
                    "is on "
                            + type
                            + "; wanted one of "
                            + String.join(", ", config.precheck().fileSystems())
                            + "; move it with storage.dir, or, if it keeps what was forced over a"
                            + " power cut, add it to precheck.file_systems");
        probe();
        boolean begun = Files.isDirectory(path.resolve("wal"));
        room(begun);
        if (begun) log();
        else lines.accept("ok    log: none yet");
    }

    /** Write, force, rename over, force the names, read: with the code that the daemon uses. */
    private void probe() throws IOException {
        var directory = FileSystemDirectory.open(path);
        String content = UUID.randomUUID().toString();
        AtomicFile.replace(directory, PROBE, new byte[] {'-'});
        AtomicFile.replace(directory, PROBE, content.getBytes(StandardCharsets.US_ASCII));
        Optional<byte[]> read = AtomicFile.read(directory, PROBE, 64);
        directory.delete(PROBE);
        directory.force();
        if (read.isEmpty() || !new String(read.get(), StandardCharsets.US_ASCII).equals(content))
            throw refused("does not give back what was written to it; check the disk");
    }

    /**
     * A log with telemetry in it must get its chance to drain, however full the disk is; an empty
     * one that can take nothing is of no use.
     */
    private void room(boolean begun) throws IOException {
        long free = Files.getFileStore(path).getUsableSpace();
        long reserve = config.storage().reserveBytes();
        long first = reserve + 2 * config.wal().segmentBytes();
        if (free < MIN_FREE_BYTES || (!begun && free < first))
            throw refused(
                    "is on a file system with "
                            + free
                            + " bytes free; it takes "
                            + (begun
                                    ? MIN_FREE_BYTES + " for the small files"
                                    : first
                                            + ": storage.reserve_bytes and two segments"
                                            + " (wal.segment_bytes)")
                            + "; make room, or lower these keys");
        if (begun && free < reserve)
            lines.accept(
                    "note  state: only "
                            + free
                            + " bytes are free, less than storage.reserve_bytes: new telemetry may"
                            + " be refused until the drain has made room");
        lines.accept(
                "ok    state: "
                        + path
                        + " on "
                        + Files.getFileStore(path).type()
                        + ", "
                        + free
                        + " bytes free, writes, renames and forces");
    }

    private void log() throws IOException {
        QuickCheck.Report report = QuickCheck.of(FileSystemDirectory.open(path.resolve("wal")));
        report.notes().forEach(line -> lines.accept("note  log: " + line));
        List<String> damages = report.damages();
        if (!damages.isEmpty() && config.wal().onCorruption() == EdgeConfig.Wal.Corruption.FAIL)
            throw new ExitException(
                    ExitCode.CORRUPTION,
                    String.join("\n", damages)
                            + "\nthe log in "
                            + path.resolve("wal")
                            + " is damaged, and wal.on_corruption is \"fail\"; look at it: edged"
                            + " wal verify; then: edged wal repair --dry-run");
        damages.forEach(
                line -> lines.accept("note  log: damaged, will be set aside and counted: " + line));
        lines.accept(
                "ok    log: "
                        + report.segments()
                        + " segments, last record "
                        + report.lastSeq()
                        + "; older segments are checked as they are read");
    }

    private ExitException refused(String why) {
        return new ExitException(ExitCode.STATE_DIRECTORY, "storage.dir " + path + " " + why);
    }

    static ExitException refused(Path path, IOException e) {
        return new ExitException(
                ExitCode.STATE_DIRECTORY,
                "storage.dir "
                        + path
                        + " cannot be used: "
                        + e
                        + "; it must be a directory that this user may write, on a file system"
                        + " with room",
                e);
    }
}
