package io.edged.drain;

import io.edged.disk.FileSystemDirectory;
import io.edged.wal.Wal;
import io.edged.wal.WalEnvironment;
import io.edged.wal.WalOptions;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.UUID;

/** A directory for dead letters that several drains may use one after the other. */
final class Letters {

    private final DeadLetterOptions options;
    private final Path directory = Path.of("target", "letters", UUID.randomUUID().toString());

    Letters() {
        this(new DeadLetterOptions(32 << 20, Duration.ZERO));
    }

    Letters(DeadLetterOptions options) {
        this.options = options;
    }

    DeadLetters open(MeterRegistry registry) {
        return open(registry, InstantSource.system());
    }

    DeadLetters open(MeterRegistry registry, InstantSource clock) {
        var opener =
                new DeadLetters.Opener() {
                    @Override
                    public boolean exists() throws IOException {
                        return Files.exists(directory);
                    }

                    @Override
                    public Wal open() throws IOException {
                        return Wal.open(
                                FileSystemDirectory.open(directory),
                                new WalOptions(
                                        options.segmentBytes(),
                                        options.ceilingBytes(),
                                        0,
                                        options.ceilingBytes(),
                                        WalOptions.OnCorruption.QUARANTINE,
                                        new WalOptions.OnFull.Reject(),
                                        Duration.ofMillis(100)),
                                new WalEnvironment(
                                        InstantSource.system(),
                                        System::nanoTime,
                                        new SplittableRandom(7),
                                        new SimpleMeterRegistry()));
                    }
                };
        return new DeadLetters(options, opener, clock, registry);
    }

    /** Closes the letters; the directory stays for the next. */
    void close(DeadLetters letters) {
        try {
            letters.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void delete() {
        if (!Files.exists(directory)) return;
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
