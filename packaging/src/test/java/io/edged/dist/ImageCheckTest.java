package io.edged.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

class ImageCheckTest {
    @TempDir Path image;

    /** A head with one loaded segment, as the linker would write it. */
    private Path elf(String name, int machine, long alignment) throws IOException {
        ByteBuffer file = ByteBuffer.allocate(64 + 2 * 56).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1).putShort(18, (short) machine);
        file.putLong(32, 64).putShort(54, (short) 56).putShort(56, (short) 2);
        file.putInt(64, 4).putLong(64 + 48, 4); // a note, whose alignment says nothing of pages
        file.putInt(64 + 56, 1).putLong(64 + 56 + 48, alignment);
        return Files.write(image.resolve(name), file.array());
    }

    @ParameterizedTest
    @CsvSource({"62,amd64", "183,arm64", "243,riscv64", "40,machine-40"})
    void theMachineOfANativeFileIsRead(int machine, String label) throws IOException {
        assertThat(ElfFile.read(elf("a.so", machine, 65536))).contains(new ElfFile(label, 65536));
    }

    @Test
    void aTextIsNoNativeFileAndACutOneIsAnError() throws IOException {
        Path text = Files.writeString(image.resolve("text"), "#!/bin/sh\n");
        assertThat(ElfFile.read(text)).isEqualTo(Optional.empty());
        Path cut = elf("cut", 62, 4096);
        Files.write(cut, java.util.Arrays.copyOf(Files.readAllBytes(cut), 100));
        assertThatThrownBy(() -> ElfFile.read(cut)).hasMessageContaining("cut");
    }

    @Test
    void aFileForAnotherMachineIsNamed() throws IOException {
        elf("good.so", 62, 4096);
        assertThat(ImageCheck.problems(image, "amd64", 4096)).isEmpty();
        elf("bad.so", 183, 4096);
        assertThat(ImageCheck.problems(image, "amd64", 4096))
                .containsExactly("bad.so: is for arm64, the image for amd64");
    }

    @Test
    void aFileForDebuggersIsNamed() throws IOException {
        elf("good.so", 62, 4096);
        elf("good.debuginfo", 62, 4096);
        assertThat(ImageCheck.problems(image, "amd64", 4096))
                .containsExactly("good.debuginfo: is for debuggers only");
    }

    @Test
    void aFileThatLargePagesCannotMapIsNamed() throws IOException {
        elf("small.so", 183, 4096);
        assertThat(ImageCheck.problems(image, "arm64", 65536))
                .singleElement()
                .asString()
                .contains("small.so")
                .contains("4096");
    }

    @Test
    void nativeCodeInAJarAndLinksAreNamed() throws IOException {
        elf("good.so", 62, 4096);
        try (var jar = new ZipOutputStream(Files.newOutputStream(image.resolve("a.jar")))) {
            jar.putNextEntry(new ZipEntry("META-INF/native/liba.so"));
        }
        Files.createSymbolicLink(image.resolve("link"), Path.of("good.so"));
        assertThat(ImageCheck.problems(image, "amd64", 4096))
                .containsExactly(
                        "a.jar: holds native code: META-INF/native/liba.so",
                        "link: a link; packages hold files only");
    }
}
