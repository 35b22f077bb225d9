package io.edged.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Shows whether a file that is replaced is there at every moment, whole, old or new: {@code java …
 * io.edged.disk.RenameCheck DIR ROUNDS}. One thread replaces it as the log does, another reads it
 * all the time. Prints one JSON object; exit status 0: every read was whole and no read went back.
 */
public final class RenameCheck {

    private static final String NAME = "replaced";
    private static final int BYTES = 8_192;

    private final FileSystemDirectory directory;
    private final Path file;
    private final AtomicBoolean done = new AtomicBoolean();
    private final AtomicLong reads = new AtomicLong();
    private final AtomicReference<String> problem = new AtomicReference<>("");

    private RenameCheck(Path root) throws IOException {
        directory = FileSystemDirectory.open(root);
        file = root.resolve(NAME);
    }

    /** See the class. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        int rounds = Integer.parseInt(arguments[1]);
        String problem = new RenameCheck(Path.of(arguments[0])).run(rounds);
        System.exit(problem.isEmpty() ? 0 : 1);
    }

    private String run(int rounds) throws IOException, InterruptedException {
        AtomicFile.replace(directory, NAME, content(0));
        Thread reader = Thread.ofPlatform().start(this::read);
        for (int round = 1; round <= rounds && problem.get().isEmpty(); round++)
            AtomicFile.replace(directory, NAME, content(round));
        // The reader has to see the last one, too.
        long before = reads.get();
        while (reader.isAlive() && reads.get() < before + 2) Thread.onSpinWait();
        done.set(true);
        reader.join();
        byte[] last = Files.readAllBytes(file);
        if (problem.get().isEmpty() && ByteBuffer.wrap(last).getInt() != rounds)
            problem.set("the last replacement is not what is there");
        if (problem.get().isEmpty() && Files.exists(file.resolveSibling(NAME + ".tmp")))
            problem.set("a temporary file is left");
        System.out.println(
                "{\"ok\":"
                        + problem.get().isEmpty()
                        + ",\"rounds\":"
                        + rounds
                        + ",\"bytes\":"
                        + BYTES
                        + ",\"problem\":\""
                        + problem.get()
                        + "\",\"run\":{\"reads\":"
                        + reads.get()
                        + "}}");
        return problem.get();
    }

    private void read() {
        int newest = 0;
        while (!done.get()) {
            try {
                byte[] found = Files.readAllBytes(file);
                int round = found.length < 4 ? -1 : ByteBuffer.wrap(found).getInt();
                if (!Arrays.equals(found, content(round))) {
                    problem.set("a read found neither the old content nor the new one");
                    return;
                }
                if (round < newest) {
                    problem.set("a read went back from " + newest + " to " + round);
                    return;
                }
                newest = round;
                reads.incrementAndGet();
            } catch (NoSuchFileException e) {
                problem.set("the file was gone for a moment");
                return;
            } catch (IOException e) {
                problem.set("a read failed: " + e.getClass().getSimpleName());
                return;
            }
        }
    }

    /** The round's number, then bytes that only this round has. */
    private static byte[] content(int round) {
        byte[] bytes = new byte[BYTES];
        Arrays.fill(bytes, (byte) (31 * round + 7));
        ByteBuffer.wrap(bytes).putInt(round);
        return bytes;
    }
}
