package io.edged.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** Files of the repository beside the sources, wherever the tests are started. */
final class RepositoryFiles {
    private RepositoryFiles() {}

    static Path path(String name) {
        Path directory = Path.of("").toAbsolutePath();
        while (directory != null && !Files.exists(directory.resolve("CHANGELOG.md")))
            directory = directory.getParent();
        if (directory == null) throw new IllegalStateException("outside of the repository");
        return directory.resolve(name);
    }
}
