package io.edged.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.disk.PlannedDirectory.Action;
import io.edged.disk.PlannedDirectory.Change;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class PlannedDirectoryTest {

    private static byte[] bytes(LogDirectory directory, String name) throws IOException {
        try (LogFile file = directory.openReadOnly(name)) {
            ByteBuffer content = ByteBuffer.allocate((int) file.size());
            while (content.hasRemaining() && file.read(content, content.position()) > 0) {
                // A short read continues where it ended.
            }
            assertThat(content.hasRemaining()).isFalse();
            return content.array();
        }
    }

    private static CrashingDirectory filled(long seed) {
        var disk = new CrashingDirectory();
        var random = new Random(seed);
        for (String name : List.of("a", "b", "c")) {
            byte[] content = new byte[500 + random.nextInt(500)];
            random.nextBytes(content);
            disk.put(name, content);
        }
        return disk;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void whatIsPlannedReadsAsIfItHadBeenDone(long seed) throws IOException {
        CrashingDirectory base = filled(seed);
        CrashingDirectory done = filled(seed);
        var random = new Random(seed);
        try (var planned = new PlannedDirectory(base)) {
            for (int step = 0; step < 300; step++) {
                List<String> names = planned.names();
                assertThat(names).isEqualTo(done.names());
                long choice = random.nextLong();
                String fresh = "n" + random.nextInt(4);
                for (LogDirectory directory : List.of(planned, done))
                    change(directory, names, fresh, new Random(choice));
                for (String name : planned.names())
                    assertThat(bytes(planned, name))
                            .as("seed %d step %d %s", seed, step, name)
                            .isEqualTo(bytes(done, name));
            }
            assertThat(base.names()).containsExactly("a", "b", "c");
            for (String name : base.names())
                assertThat(base.content(name)).isEqualTo(filled(seed).content(name));
            for (Change change : planned.changes())
                if (change.action() != Action.DELETE)
                    assertThat(change.bytesAfter()).isEqualTo(done.content(change.name()).length);
        }
    }

    private static void change(
            LogDirectory directory, List<String> names, String fresh, Random random)
            throws IOException {
        int kind = random.nextInt(6);
        if (names.isEmpty() || (kind == 0 && !names.contains(fresh))) {
            if (!names.contains(fresh)) directory.create(fresh).close();
            return;
        }
        String name = names.get(random.nextInt(names.size()));
        String other = names.get(random.nextInt(names.size()));
        try (LogFile file = directory.open(name);
                LogFile from = directory.openReadOnly(other)) {
            switch (kind) {
                case 1, 2 -> {
                    byte[] content = new byte[1 + random.nextInt(300)];
                    random.nextBytes(content);
                    long at = random.nextInt((int) file.size() + 1);
                    file.write(ByteBuffer.wrap(content), at);
                }
                case 3 -> {
                    if (name.equals(other) || from.size() == 0) return;
                    int start = random.nextInt((int) from.size());
                    int end = start + 1 + random.nextInt((int) from.size() - start);
                    file.copy(from, start, end, random.nextInt((int) file.size() + 1));
                }
                case 4 -> file.truncate(random.nextInt((int) file.size() + 1));
                default -> {}
            }
        }
        if (kind == 5) {
            if (random.nextBoolean() && !name.equals(other)) directory.rename(name, other);
            else if (names.size() > 3) directory.delete(name);
        }
    }

    @Test
    void changesLeaveOutWhatComesToNothing() throws IOException {
        CrashingDirectory base = filled(1);
        try (var planned = new PlannedDirectory(base)) {
            planned.create("x").close();
            planned.delete("x");
            AtomicFile.replace(planned, "a", base.content("a"));
            AtomicFile.replace(planned, "b", new byte[3]);
            planned.delete("c");
            try (LogFile file = planned.directory("inner").create("y")) {
                file.write(ByteBuffer.allocate(7), 0);
            }
            int before = base.content("b").length;
            int gone = base.content("c").length;
            assertThat(planned.changes())
                    .containsExactly(
                            new Change(Action.REPLACE, "b", before, 3),
                            new Change(Action.DELETE, "c", gone, 0),
                            new Change(Action.CREATE, "inner/y", 0, 7));
        }
    }

    @TempDir private Path directory;

    @Test
    void aDirectoryThatIsOnlyReadRefusesEveryChange() throws IOException {
        FileSystemDirectory real = FileSystemDirectory.open(directory);
        real.create("a").close();
        LogDirectory readOnly = ReadOnlyDirectory.open(directory);
        assertThat(readOnly.names()).containsExactly("a");
        var refused = new ArrayList<ThrowingCallable>();
        refused.add(() -> readOnly.create("b"));
        refused.add(() -> readOnly.open("a"));
        refused.add(() -> readOnly.delete("a"));
        refused.add(() -> readOnly.rename("a", "b"));
        refused.add(readOnly::force);
        for (var change : refused)
            assertThatThrownBy(change)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("opened to be read");
        assertThatThrownBy(() -> readOnly.directory("inner"))
                .isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> ReadOnlyDirectory.open(directory.resolve("none")))
                .isInstanceOf(NoSuchFileException.class);
        assertThat(real.names()).containsExactly("a");
    }
}
