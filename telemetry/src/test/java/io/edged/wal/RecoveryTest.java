package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.wal.Recovery.FoundLog;
import io.edged.wal.Recovery.FoundSafePoint;
import io.edged.wal.Recovery.FoundStop;
import io.edged.wal.Recovery.LogRow;
import io.edged.wal.Recovery.StopRow;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

/**
 * All combinations of what can be found, each with its row; {@code docs/crash-safety.md} prints the
 * same tables.
 */
class RecoveryTest {

    private static final List<Boolean> BOTH = List.of(false, true);

    private static List<String> logTable() {
        var lines = new ArrayList<String>();
        for (boolean segments : BOTH)
            for (FoundSafePoint safePoint : FoundSafePoint.values())
                for (boolean progress : BOTH)
                    for (boolean accounted : BOTH) {
                        var found = new FoundLog(segments, safePoint, progress, accounted);
                        lines.add(
                                "| %s | %s | %s | %s | `%s` |"
                                        .formatted(
                                                word(segments),
                                                safePoint.name().toLowerCase(java.util.Locale.ROOT),
                                                word(progress),
                                                word(accounted),
                                                Recovery.row(found)));
                    }
        return lines;
    }

    private static List<String> stopTable() {
        var lines = new ArrayList<String>();
        for (boolean behind : BOTH)
            for (boolean listed : BOTH)
                for (boolean bytes : BOTH)
                    for (boolean forced : BOTH)
                        for (boolean zeros : BOTH) {
                            var found = new FoundStop(listed, bytes, behind, forced, zeros);
                            lines.add(
                                    "| %s | %s | %s | %s | %s | `%s` |"
                                            .formatted(
                                                    word(behind),
                                                    word(listed),
                                                    word(bytes),
                                                    word(forced),
                                                    word(zeros),
                                                    Recovery.row(found)));
                        }
        return lines;
    }

    private static String word(boolean value) {
        return value ? "yes" : "no";
    }

    @Test
    void theDocumentPrintsTheTablesAsTheyAre() throws IOException {
        List<String> document = Files.readAllLines(Path.of("..", "docs", "crash-safety.md"));
        assertThat(document).containsSubsequence(logTable()).containsSubsequence(stopTable());
    }

    @Test
    void everyRowHasACombinationThatReachesIt() {
        var logRows = EnumSet.noneOf(LogRow.class);
        for (boolean segments : BOTH)
            for (FoundSafePoint safePoint : FoundSafePoint.values())
                for (boolean progress : BOTH)
                    for (boolean accounted : BOTH)
                        logRows.add(
                                Recovery.row(
                                        new FoundLog(segments, safePoint, progress, accounted)));
        assertThat(logRows).isEqualTo(EnumSet.allOf(LogRow.class));
        var stopRows = EnumSet.noneOf(StopRow.class);
        for (boolean listed : BOTH)
            for (boolean bytes : BOTH)
                for (boolean behind : BOTH)
                    for (boolean forced : BOTH)
                        for (boolean zeros : BOTH)
                            stopRows.add(
                                    Recovery.row(
                                            new FoundStop(listed, bytes, behind, forced, zeros)));
        assertThat(stopRows).isEqualTo(EnumSet.allOf(StopRow.class));
    }

    @Test
    void whatWasForcedIsNeverTakenForATornTail() {
        for (boolean listed : BOTH)
            for (boolean bytes : BOTH)
                for (boolean behind : BOTH)
                    for (boolean zeros : BOTH)
                        assertThat(Recovery.row(new FoundStop(listed, bytes, behind, true, zeros)))
                                .isNotEqualTo(StopRow.TORN_TAIL);
    }

    @Test
    void segmentsAreNeverTakenForAFirstRun() {
        for (FoundSafePoint safePoint : FoundSafePoint.values())
            for (boolean progress : BOTH)
                for (boolean accounted : BOTH)
                    assertThat(Recovery.row(new FoundLog(true, safePoint, progress, accounted)))
                            .isIn(LogRow.SAFE_POINT_BAD, LogRow.SEGMENTS);
    }
}
