package io.edged.wal;

import io.edged.disk.FileSystemDirectory;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Random;

/**
 * Writes a log of exactly five entries and stops cleanly, for another program to read: {@code java
 * … io.edged.wal.KnownGoodLog DIR}. Exit status 0: each of the five was acknowledged.
 */
public final class KnownGoodLog {

    static final int ENTRIES = 5;

    private KnownGoodLog() {}

    /** See the class. */
    public static void main(String[] arguments) throws IOException {
        write(Path.of(arguments[0]));
        System.out.println("wrote " + ENTRIES + " entries into " + arguments[0]);
    }

    static void write(Path directory) throws IOException {
        Wal log =
                Wal.openStill(
                        FileSystemDirectory.open(directory),
                        new WalOptions(
                                1 << 20,
                                16 << 20,
                                0,
                                1 << 20,
                                WalOptions.OnCorruption.FAIL,
                                new WalOptions.OnFull.Reject(),
                                Duration.ofSeconds(1)),
                        new WalEnvironment(
                                InstantSource.system(),
                                System::nanoTime,
                                new Random(),
                                new SimpleMeterRegistry()));
        for (int number = 1; number <= ENTRIES; number++) {
            var entry =
                    LogFixture.Written.event(
                            "{\"kind\":\"lifecycle\",\"name\":\"known.good\",\"number\":"
                                    + number
                                    + ",\"text\":\"Grüße 🌍\"}");
            log.offer(entry);
            LogFixture.settle(log);
            if (entry.durableSeq != number)
                throw new IOException("entry " + number + " was not acknowledged as such");
        }
        log.finish();
    }
}
