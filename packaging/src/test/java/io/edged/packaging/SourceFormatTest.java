package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;

class SourceFormatTest {

    @Test
    void everySourceIsFormatted() throws IOException {
        var different = new ArrayList<Path>();
        for (Path file : SourceFormat.sources(Path.of(".."))) {
            if (!SourceFormat.formatted(file).equals(Files.readString(file))) different.add(file);
        }
        assertThat(different).as("run: make format").isEmpty();
    }
}
