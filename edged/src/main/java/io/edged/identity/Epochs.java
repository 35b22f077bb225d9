package io.edged.identity;

import io.edged.disk.AtomicFile;
import io.edged.disk.FileSystemDirectory;
import io.edged.disk.LogDirectory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The epochs of a device in its state directory:
 *
 * <pre>
 *   bootstrap/os_fingerprint.json   the system as it is, and the number of the epoch
 *   epoch/current/evidence.json     the same, and what changed when the epoch began
 *   epoch/previous/evidence.json    the epoch before
 *   epoch/announced                 the last epoch that an event in the log tells of
 * </pre>
 *
 * <p>A new epoch is written from the bottom up: previous, current, then the first file. After a
 * crash in between, the one of the first two with the higher epoch is the truth.
 */
public final class Epochs {

    private static final String FINGERPRINT = "os_fingerprint.json";
    private static final String EVIDENCE = "evidence.json";
    private static final String ANNOUNCED = "announced";
    private static final int MAX_BYTES = 1 << 20;

    private final Path state;

    /**
     * The epochs of one device.
     *
     * @param state the state directory, which this process holds if it writes
     */
    public Epochs(Path state) {
        this.state = state;
    }

    /**
     * What was found and done.
     *
     * @param now the epoch that the device is in
     * @param began whether it began with this look
     * @param mended what was put right on the way, a line each
     */
    public record Observation(Epoch now, boolean began, List<String> mended) {}

    /** The files are there and cannot be understood. */
    public static final class DamagedException extends IOException {
        private static final long serialVersionUID = 1;

        DamagedException(String message) {
            super(message);
        }
    }

    /** What the files say; empty before the first precheck. */
    public Optional<Epoch> known() throws IOException {
        return known(new ArrayList<>());
    }

    private Optional<Epoch> known(List<String> mended) throws IOException {
        var damages = new ArrayList<String>();
        Optional<Epoch> fingerprint = read("bootstrap", FINGERPRINT, damages);
        Optional<Epoch> evidence = read("epoch/current", EVIDENCE, damages);
        Optional<Epoch> newest =
                fingerprint.isPresent()
                                && evidence.isPresent()
                                && fingerprint.get().number() > evidence.get().number()
                        ? fingerprint
                        : evidence.or(() -> fingerprint);
        if (newest.isEmpty() && !damages.isEmpty())
            throw new DamagedException(
                    String.join("; ", damages)
                            + "; the number of the epoch is not known any more: restore one of the"
                            + " files, or move bootstrap and epoch below "
                            + state
                            + " away to begin again at 0");
        mended.addAll(damages);
        return newest;
    }

    private Optional<Epoch> read(String directory, String name, List<String> damages)
            throws IOException {
        Path path = state.resolve(directory);
        if (!Files.isDirectory(path)) return Optional.empty();
        try {
            Optional<byte[]> content =
                    AtomicFile.read(FileSystemDirectory.open(path), name, MAX_BYTES);
            return content.isEmpty() ? Optional.empty() : Optional.of(Epoch.read(content.get()));
        } catch (IOException e) {
            damages.add(path.resolve(name) + " is damaged: " + e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * Compares the system with what is known and begins an epoch if it changed. When this returns
     * it is durable.
     *
     * @throws DamagedException neither file can be understood; nothing was written
     */
    public Observation observe(SystemFacts system, Instant at) throws IOException {
        var mended = new ArrayList<String>();
        Optional<Epoch> known = known(mended);
        if (known.isEmpty()) {
            var first = new Epoch(0, at, system, List.of());
            write("epoch/current", EVIDENCE, first.evidenceDocument());
            write("bootstrap", FINGERPRINT, first.fingerprintDocument());
            return new Observation(first, true, mended);
        }
        Epoch before = known.get();
        if (before.system().fingerprint().equals(system.fingerprint())) {
            mend(before, mended);
            return new Observation(before, false, mended);
        }
        var next = new Epoch(before.number() + 1, at, system, system.changesSince(before.system()));
        write("epoch/previous", EVIDENCE, before.evidenceDocument());
        write("epoch/current", EVIDENCE, next.evidenceDocument());
        write("bootstrap", FINGERPRINT, next.fingerprintDocument());
        return new Observation(next, true, mended);
    }

    /** Writes what a crash or damage has left out of step, and says so. */
    private void mend(Epoch epoch, List<String> mended) throws IOException {
        var ignored = new ArrayList<String>();
        long fingerprint = read("bootstrap", FINGERPRINT, ignored).map(Epoch::number).orElse(-1L);
        if (fingerprint != epoch.number()) {
            write("bootstrap", FINGERPRINT, epoch.fingerprintDocument());
            mended.add("bootstrap/" + FINGERPRINT + " was written again from the evidence");
        }
        long evidence = read("epoch/current", EVIDENCE, ignored).map(Epoch::number).orElse(-1L);
        if (evidence != epoch.number()) {
            write("epoch/current", EVIDENCE, epoch.evidenceDocument());
            mended.add("epoch/current/" + EVIDENCE + " was written again from the fingerprint");
        }
    }

    private void write(String directory, String name, byte[] content) throws IOException {
        LogDirectory into = FileSystemDirectory.open(state);
        for (String part : directory.split("/", -1)) into = into.directory(part);
        AtomicFile.replace(into, name, content);
    }

    /** The last epoch that an event tells of; 0 if none does, for the first needs none. */
    public long announced() throws IOException {
        Path path = state.resolve("epoch");
        if (!Files.isDirectory(path)) return 0;
        Optional<byte[]> content = AtomicFile.read(FileSystemDirectory.open(path), ANNOUNCED, 64);
        if (content.isEmpty()) return 0;
        try {
            return Long.parseLong(new String(content.get(), StandardCharsets.US_ASCII).strip());
        } catch (NumberFormatException e) {
            return 0; // Told once more.
        }
    }

    /** Notes that an event of this epoch is durable in the log. */
    public void announce(Epoch epoch) throws IOException {
        write("epoch", ANNOUNCED, (epoch.number() + "\n").getBytes(StandardCharsets.US_ASCII));
    }
}
