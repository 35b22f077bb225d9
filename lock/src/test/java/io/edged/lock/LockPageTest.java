package io.edged.lock;

import static io.edged.lock.LockFixture.DEVICE;
import static io.edged.lock.LockFixture.RELEASE;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** {@code docs/lock.md} quotes a document and fingerprints; they are those of the code. */
class LockPageTest {

    private static final Pattern BLOCK = Pattern.compile("```json\n(.*?)```", Pattern.DOTALL);

    private static final String PAGE = page();

    @Test
    void theExampleIsWhatTheCodeWrites() {
        assertThat(blocks().getFirst())
                .isEqualTo(new String(DEVICE.prettyBytes(), StandardCharsets.UTF_8));
        assertThat(LockFixture.intact(blocks().getFirst().getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(DEVICE);
    }

    @Test
    void theCanonicalBytesAreThoseOfTheCode() {
        for (int i = 0; i < 2; i++) {
            LockDocument lock = List.of(DEVICE, RELEASE).get(i);
            String canonical = new String(lock.canonicalBytes(), StandardCharsets.UTF_8);
            assertThat(blocks().get(i + 1)).isEqualTo(canonical + "\n");
        }
    }

    /** Written here a second time: whoever changes the form must see that every lock changes. */
    @Test
    void theFingerprintsAreThoseThatWerePublished() {
        assertThat(RELEASE.fingerprint().value())
                .isEqualTo(
                        "blake3:c0648d1beffabb52163ac621ad141578066342a0a4d3a0e53a2e1523be97e607");
        assertThat(DEVICE.fingerprint().value())
                .isEqualTo(
                        "blake3:61fdae6bcb9556130a28cbd5e9ce4eec49f847c07334badb04d92fb00f3f4cec");
        assertThat(PAGE).contains(RELEASE.fingerprint().value(), DEVICE.fingerprint().value());
    }

    private static List<String> blocks() {
        return BLOCK.matcher(PAGE).results().map(block -> block.group(1)).toList();
    }

    private static String page() {
        try {
            return Files.readString(Path.of("..", "docs", "lock.md"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
