package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.disk.CrashingDirectory;
import io.edged.otlp.Signal;
import io.edged.wal.LogFixture.Written;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;

/** A look says what opening the log would come to, and leaves every byte as it was. */
class QuickCheckTest {

    private static final Logger LOG = Logger.getLogger("io.edged");

    @BeforeAll
    static void damageIsExpectedAndNotWorthALine() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void linesAreWorthReadingAgain() {
        LOG.setLevel(null);
    }

    private static CrashingDirectory stopped() throws IOException {
        var disk = new CrashingDirectory();
        Wal log = LogFixture.open(disk, 1);
        log.cursor("sink", "all");
        for (int i = 0; i < 3; i++) {
            log.offer(Written.batch(Signal.LOGS, new byte[40], 1));
            log.offer(Written.event("{\"kind\":\"decision\"}"));
            LogFixture.settle(log);
        }
        log.finish();
        return disk;
    }

    private static String segment(CrashingDirectory disk) throws IOException {
        return disk.names().stream()
                .filter(name -> name.endsWith(".wal"))
                .findFirst()
                .orElseThrow();
    }

    private static Map<String, List<Byte>> bytes(CrashingDirectory disk) throws IOException {
        var all = new HashMap<String, List<Byte>>();
        for (String name : disk.names()) {
            byte[] content = disk.content(name);
            var list = new Byte[content.length];
            Arrays.setAll(list, i -> content[i]);
            all.put(name, List.of(list));
        }
        return all;
    }

    /** Looks, and opens with the policy to stop: both must come to the same. */
    private static QuickCheck.Report agrees(CrashingDirectory disk, String what)
            throws IOException {
        Map<String, List<Byte>> before = bytes(disk);
        QuickCheck.Report report = QuickCheck.of(disk);
        assertThat(bytes(disk)).as(what).isEqualTo(before);
        boolean refused = false;
        try {
            Wal.openStill(disk, LogFixture.failing(LogFixture.SMALL), LogFixture.environment(2))
                    .finish();
        } catch (WalException e) {
            assertThat(e.code()).as(what).isEqualTo(WalException.Code.CORRUPT);
            refused = true;
        }
        assertThat(!report.damages().isEmpty()).as("%s: %s", what, report).isEqualTo(refused);
        return report;
    }

    @Test
    void aSoundLogHasNothingToTell() throws IOException {
        assertThat(agrees(stopped(), "sound"))
                .isEqualTo(new QuickCheck.Report(1, 6, List.of(), List.of()));
        assertThat(agrees(new CrashingDirectory(), "empty"))
                .isEqualTo(new QuickCheck.Report(0, 0, List.of(), List.of()));
    }

    @Test
    void aChangedByteIsDamageExactlyWhenOpeningSaysSo() throws IOException {
        CrashingDirectory sound = stopped();
        for (String name : List.of(segment(sound), SafePoint.FILE, Positions.FILE)) {
            for (int at = 0; at < sound.content(name).length; at += 11) {
                CrashingDirectory disk = stopped();
                disk.flipBit(name.endsWith(".wal") ? segment(disk) : name, at, at % 8);
                agrees(disk, name + " at " + at);
            }
        }
    }

    @Test
    void aCutLogIsDamageExactlyWhenOpeningSaysSo() throws IOException {
        int length = stopped().content(segment(stopped())).length;
        for (int left = 0; left < length; left += 23) {
            CrashingDirectory disk = stopped();
            disk.put(segment(disk), Arrays.copyOf(disk.content(segment(disk)), left));
            agrees(disk, "cut to " + left);
            CrashingDirectory unproven = stopped();
            String segment = segment(unproven);
            unproven.put(segment, Arrays.copyOf(unproven.content(segment), left));
            unproven.put(SafePoint.FILE, SafePoint.encode(0));
            agrees(unproven, "unproven, cut to " + left);
        }
    }

    @Test
    void aTornTailIsANoteAndGoneSegmentsAreDamage() throws IOException {
        CrashingDirectory torn = stopped();
        String segment = segment(torn);
        byte[] content = torn.content(segment);
        torn.put(segment, Arrays.copyOf(content, content.length - 5));
        torn.put(SafePoint.FILE, SafePoint.encode(4));
        assertThat(agrees(torn, "torn"))
                .satisfies(report -> assertThat(report.damages()).isEmpty())
                .satisfies(report ->
                        assertThat(report.notes())
                                .singleElement()
                                .asString()
                                .startsWith("an unfinished last write will be cut from "));
        CrashingDirectory gone = stopped();
        gone.remove(segment(gone));
        assertThat(agrees(gone, "gone").damages())
                .containsExactly("COMMITTED_DATA_LOST: every segment is gone");
    }
}
