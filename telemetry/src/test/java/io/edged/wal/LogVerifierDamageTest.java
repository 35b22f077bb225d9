package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.disk.CrashingDirectory;
import io.edged.disk.LogFile;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Every byte of a golden log, changed or cut: a verification names the row that recovery then
 * takes.
 */
class LogVerifierDamageTest {

    private static final Logger LOG = Logger.getLogger("io.edged");

    /** An open costs more than a look, so it follows at every so many bytes. */
    private static final int OPENED_EVERY = 13;

    private CrashingDirectory original = new CrashingDirectory();
    private List<Integer> ends = List.of();

    @BeforeAll
    static void damageIsExpectedAndNotWorthALine() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void linesAreWorthReadingAgain() {
        LOG.setLevel(null);
    }

    private void load(String golden) throws IOException {
        original = GoldenLogTest.copy(GoldenLogs.DIRECTORY.resolve(golden));
        ends = ends(original, segment());
    }

    private String segment() throws IOException {
        return original.names().stream()
                .filter(name -> name.endsWith(".wal"))
                .findFirst()
                .orElseThrow();
    }

    private static List<Integer> ends(CrashingDirectory disk, String segment) throws IOException {
        var name = SegmentName.parse(segment).orElseThrow();
        var ends = new ArrayList<Integer>();
        try (LogFile file = disk.openReadOnly(segment)) {
            var parser = new FrameParser(name, new ReadWindow(file, 4_096));
            long offset = 0;
            while (parser.parse(offset, file.size(), true)
                    instanceof FrameParser.Parsed.Intact intact) {
                offset = intact.end();
                ends.add((int) offset);
            }
        }
        return ends;
    }

    /** The frame that holds a byte, from 1. */
    private int frameAt(int offset) {
        int frame = 0;
        while (ends.get(frame) <= offset) frame++;
        return frame + 1;
    }

    private CrashingDirectory with(String name, byte[] content) throws IOException {
        var disk = new CrashingDirectory();
        for (String file : original.names()) disk.put(file, original.content(file));
        disk.put(name, content);
        return disk;
    }

    private static byte[] flipped(byte[] content, int offset) {
        byte[] changed = content.clone();
        changed[offset] ^= (byte) (1 << offset % 8);
        return changed;
    }

    private static List<String> verified(CrashingDirectory disk) throws IOException {
        long calls = disk.calls();
        List<String> found = GoldenLogTest.texts(LogVerifier.verify(disk, _ -> {}));
        assertThat(disk.calls()).as("a verification writes nothing").isEqualTo(calls);
        return found;
    }

    /** What an open made gaps of, in the words of a finding without its code. */
    private static List<String> gapsAfterOpen(CrashingDirectory disk) throws IOException {
        LogFixture.open(disk, 3);
        return StoredLog.read(disk).gaps().stream()
                .map(gap -> gap.from() + "-" + gap.to())
                .toList();
    }

    @Test
    void aChangedByteInTheLastSegmentIsABadFrame() throws IOException {
        load("clean");
        byte[] content = original.content(segment());
        assertThat(ends.getLast()).isEqualTo(content.length);
        for (int offset = 0; offset < content.length; offset++) {
            CrashingDirectory disk = with(segment(), flipped(content, offset));
            String range = frameAt(offset) + "-" + frameAt(offset);
            assertThat(verified(disk))
                    .as("offset %d", offset)
                    .containsExactly("BAD_FRAME " + range);
            if (offset % OPENED_EVERY == 0)
                assertThat(gapsAfterOpen(disk)).as("offset %d", offset).containsExactly(range);
        }
    }

    @Test
    void aCutOfTheLastSegmentIsLossAndWithinAFrameABadFrame() throws IOException {
        load("clean");
        byte[] content = original.content(segment());
        for (int length = 0; length < content.length; length++) {
            CrashingDirectory disk = with(segment(), Arrays.copyOf(content, length));
            String range = frameAt(length) + "-6";
            boolean nothingLeft = length == 0 || ends.contains(length);
            assertThat(verified(disk))
                    .as("length %d", length)
                    .hasSize(1)
                    .first()
                    .asString()
                    .endsWith(range)
                    .startsWith(
                            nothingLeft || zeros(content, length)
                                    ? "COMMITTED_DATA_LOST"
                                    : "BAD_FRAME");
            if (length % OPENED_EVERY == 0)
                assertThat(gapsAfterOpen(disk)).as("length %d", length).containsExactly(range);
        }
    }

    /** Whether what a cut leaves of a frame is zeros only, as the first bytes of its length are. */
    private boolean zeros(byte[] content, int length) {
        int frame = frameAt(length);
        int start = frame == 1 ? 0 : ends.get(frame - 2);
        for (int i = start; i < length; i++) if (content[i] != 0) return false;
        return true;
    }

    /** The frame that begins a group, for each frame: what a torn tail costs. */
    private static final int[] GROUP_START = {0, 1, 2, 2, 2, 5, 6};

    @Test
    void withoutASafePointACutIsATornTailAndNoDamage() throws IOException {
        load("clean");
        byte[] content = original.content(segment());
        long log = SegmentName.parse(segment()).orElseThrow().logId();
        for (int length = 1; length < content.length; length++) {
            CrashingDirectory disk = with(segment(), Arrays.copyOf(content, length));
            disk.put(SafePoint.FILE, SafePoint.encode(0));
            disk.put(Positions.FILE, Positions.empty(log).encode());
            LogVerifier.Verification found = LogVerifier.verify(disk, _ -> {});
            assertThat(found.isSound()).as("length %d", length).isTrue();
            assertThat(found.lastSeq()).isEqualTo(GROUP_START[frameAt(length)] - 1L);
            assertThat(found.findings())
                    .as("length %d", length)
                    .allSatisfy(finding -> assertThat(finding.code()).isEqualTo("TORN_TAIL"));
        }
    }

    @Test
    void aChangedByteInAnOlderSegmentIsABadFrame() throws IOException {
        load("damaged-older-segment");
        byte[] damaged = original.content(segment());
        load("clean");
        byte[] sound = original.content(segment());
        load("damaged-older-segment");
        assertThat(damaged).hasSameSizeAs(sound);
        ends = ends(with(segment(), sound), segment());
        for (int offset = 0; offset < sound.length; offset += 5) {
            CrashingDirectory disk = with(segment(), flipped(sound, offset));
            String range = frameAt(offset) + "-" + frameAt(offset);
            assertThat(verified(disk))
                    .as("offset %d", offset)
                    .containsExactly("BAD_FRAME " + range);
        }
    }

    @Test
    void aChangedByteInASmallFileIsNamed() throws IOException {
        load("clean");
        for (String name : List.of(SafePoint.FILE, Positions.FILE)) {
            byte[] content = original.content(name);
            String expected = name.equals(SafePoint.FILE) ? "SAFE_POINT_BAD" : "POSITIONS_BAD";
            for (int offset = 0; offset < content.length; offset++)
                assertThat(verified(with(name, flipped(content, offset))))
                        .as("%s at %d", name, offset)
                        .containsExactly(expected);
        }
    }

    @Test
    void aLogWithoutSegmentsIsLostUnlessItNeverBegan() throws IOException {
        load("clean");
        CrashingDirectory disk = with("unrelated", new byte[1]);
        disk.remove(segment());
        assertThat(verified(disk)).containsExactly("COMMITTED_DATA_LOST 1-6");
        disk.put(SafePoint.FILE, SafePoint.encode(0));
        disk.remove(Positions.FILE);
        assertThat(verified(disk)).isEmpty();
    }
}
