package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.disk.FileSystemDirectory;
import io.edged.disk.LogDirectory;
import io.edged.drain.DeadLetters;
import io.edged.wal.Wal;
import io.edged.wal.WalEnvironment;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import java.io.IOException;
import java.security.SecureRandom;
import java.time.InstantSource;

/**
 * The log of the dead letters in a state directory. Its own meters would shadow those of the log.
 */
record LetterLog(LogDirectory state, EdgeConfig config) implements DeadLetters.Opener {

    private static final String DIRECTORY = "deadletter";

    static LetterLog in(EdgeConfig config) throws IOException {
        return new LetterLog(FileSystemDirectory.open(config.storage().dir()), config);
    }

    @Override
    public boolean exists() throws IOException {
        // Asked for by name: to make the directory is to make the log.
        return java.nio.file.Files.isDirectory(config.storage().dir().resolve(DIRECTORY));
    }

    @Override
    public Wal open() throws IOException {
        return Wal.open(
                state.directory(DIRECTORY),
                Options.letterLog(config),
                new WalEnvironment(
                        InstantSource.system(),
                        System::nanoTime,
                        new SecureRandom(),
                        new SimpleMeterRegistry()));
    }
}
