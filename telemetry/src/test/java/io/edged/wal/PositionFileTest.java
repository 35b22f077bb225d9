package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.disk.CrashingDirectory;

import org.junit.jupiter.api.Test;

import java.io.IOException;

/** What a checkpoint says and writes. */
class PositionFileTest {

    private final CrashingDirectory disk = new CrashingDirectory();
    private final Progress progress = new Progress(Positions.empty(7));
    private final PositionFile file = new PositionFile(disk, progress, new SafePoint(disk, 0));

    private long checkpoint() throws IOException {
        return file.saveWithSafePoint(() -> 5).cursors().getFirst().seq();
    }

    @Test
    void aCheckpointSaysWhatTheFileSaysWhoeverHasWrittenIt() throws IOException {
        Cursor cursor = progress.cursor("up/all", 0);
        progress.nothingPending();
        progress.committed(5, progress.emptyTally());
        assertThat(checkpoint()).isZero();
        cursor.passTo(3);
        file.change(() -> {}); // as a reader that meets damage
        assertThat(checkpoint()).isEqualTo(3);
        cursor.passTo(5);
        assertThat(checkpoint()).isEqualTo(5);
        assertThat(Positions.decode(disk.content(Positions.FILE)).cursors().getFirst().seq())
                .isEqualTo(5);
        long calls = disk.calls();
        assertThat(checkpoint()).isEqualTo(5);
        assertThat(disk.calls()).as("nothing has changed").isEqualTo(calls);
    }

    @Test
    void whatCouldNotBeWrittenIsWrittenNextTime() throws IOException {
        Cursor cursor = progress.cursor("up/all", 0);
        progress.nothingPending();
        progress.committed(5, progress.emptyTally());
        checkpoint();
        cursor.passTo(3);
        disk.failForceAtCall(disk.calls());
        assertThat(catchFailure()).isTrue();
        assertThat(checkpoint()).isEqualTo(3);
        assertThat(Positions.decode(disk.content(Positions.FILE)).cursors().getFirst().seq())
                .isEqualTo(3);
    }

    private boolean catchFailure() {
        try {
            checkpoint();
            return false;
        } catch (IOException e) {
            return true;
        }
    }
}
