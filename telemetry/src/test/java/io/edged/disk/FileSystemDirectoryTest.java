package io.edged.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

final class FileSystemDirectoryTest {

    @TempDir private Path path;

    @Test
    void zeroed_file_has_its_size_and_can_be_overwritten_and_read() throws IOException {
        // No multiple of what goes past the page cache in one write, so both ways take part.
        int bytes = (3 << 20) + 12_345;
        FileSystemDirectory directory = FileSystemDirectory.open(path);
        try (LogFile file = directory.createZeroed("zeroed", bytes)) {
            assertThat(file.size()).isEqualTo(bytes);
            byte[] word = {1, 2, 3, 4};
            file.write(ByteBuffer.wrap(word), (1 << 20) - 2);
            ByteBuffer read = ByteBuffer.allocate(bytes);
            while (read.hasRemaining() && file.read(read, read.position()) > 0) {
                // A short read continues where it ended.
            }
            byte[] expected = new byte[bytes];
            System.arraycopy(word, 0, expected, (1 << 20) - 2, word.length);
            assertThat(read.array()).isEqualTo(expected);
        }
        assertThat(Files.getPosixFilePermissions(path.resolve("zeroed")))
                .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void zeroed_file_never_replaces_one_that_is_there() throws IOException {
        FileSystemDirectory directory = FileSystemDirectory.open(path);
        Files.writeString(path.resolve("kept"), "content");

        assertThatThrownBy(() -> directory.createZeroed("kept", 1 << 20))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(path.resolve("kept")).hasContent("content");
    }

    @Test
    void small_file_is_replaced_even_if_an_earlier_attempt_was_cut_short() throws IOException {
        FileSystemDirectory directory = FileSystemDirectory.open(path);
        Files.writeString(path.resolve("small.tmp"), "half of");

        AtomicFile.replace(
                directory, "small", "new".getBytes(java.nio.charset.StandardCharsets.UTF_8));

        assertThat(path.resolve("small")).hasContent("new");
        assertThat(directory.names()).containsExactly("small");
    }
}
