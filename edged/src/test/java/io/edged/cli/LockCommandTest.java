package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.daemon.ExitCode;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Locks as an operator writes, verifies and reads them; and what tampering comes to. */
class LockCommandTest {

    private static final Pattern FINGERPRINT = Pattern.compile("blake3:[0-9a-f]{64}");

    @TempDir Path directory;
    private DeviceFixture device;

    @BeforeEach
    void device() throws IOException {
        device = new DeviceFixture(directory);
    }

    @AfterEach
    void end() {
        device.close();
    }

    private static String fingerprint(String text) {
        Matcher found = FINGERPRINT.matcher(text);
        if (!found.find()) throw new AssertionError("no fingerprint in " + text);
        return found.group();
    }

    private DeviceFixture.Outcome verify() {
        return device.onDevice("lock", "verify");
    }

    private void refused(String... words) {
        var outcome = verify();
        assertThat(outcome.code()).isEqualTo(ExitCode.LOCK);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err()).contains(words);
    }

    @Test
    void writingTwiceGivesTheSameBytes() throws IOException {
        device.locked();
        byte[] first = Files.readAllBytes(device.lock);
        var again = device.onDevice("lock", "write");
        assertThat(again.out()).contains("is unchanged; fingerprint blake3:");
        Files.delete(device.lock);
        assertThat(device.onDevice("lock", "write").out()).startsWith("wrote ");
        assertThat(Files.readAllBytes(device.lock)).isEqualTo(first);
        assertThat(verify().code()).isEqualTo(ExitCode.CLEAN);
    }

    @Test
    void devicesThatBehaveAlikeHaveTheSameFingerprint() throws IOException {
        device.locked();
        String fingerprint = fingerprint(verify().out());
        Files.writeString(
                device.config,
                "# another comment\n"
                        + Files.readString(device.config).replace("device-7", "device-8"));
        assertThat(fingerprint(verify().out())).isEqualTo(fingerprint);
    }

    @ParameterizedTest
    @ValueSource(strings = {"lib/edged.jar", "bin/edged", "runtime/lib/modules"})
    void oneFlippedBitInAnyFileIsNamed(String file) throws IOException {
        device.locked();
        Path path = device.product.resolve(file);
        for (int at : new int[] {0, (int) Files.size(path) - 1}) {
            DeviceFixture.flipBit(path, at);
            refused(
                    "edged: file has other content: " + file + ": expected ",
                    "1 difference; put it back, or, if the change is meant: edged lock write"
                            + " --config "
                            + device.config);
            DeviceFixture.flipBit(path, at);
        }
        assertThat(verify().code()).isEqualTo(ExitCode.CLEAN);
    }

    @Test
    void filesThatCameWentOrChangedTheirModeAreNamed() throws IOException {
        device.locked();
        Files.delete(device.product.resolve("bin/edged"));
        Files.writeString(device.product.resolve("lib/more.jar"), "more");
        DeviceFixture.mode(device.product.resolve("lib/edged.jar"), "rwxr-xr-x");
        refused(
                "file is missing: bin/edged",
                "file is not in the lock: lib/more.jar",
                "file has another mode: lib/edged.jar: expected 0644, found 0755",
                "3 differences");
    }

    @Test
    void aChangedKeyIsNamedWithBothValues() throws IOException {
        device.locked();
        device.configure("log.level = \"warn\"\n");
        refused(
                "configuration has another value: log.level: expected \"info\", found \"warn\"",
                "1 difference");
    }

    @Test
    void aFlippedBitAnywhereInTheLockIsRefused() throws IOException {
        device.locked();
        byte[] sound = Files.readAllBytes(device.lock);
        for (int at = 0; at < sound.length; at += 211) {
            DeviceFixture.flipBit(device.lock, at);
            assertThat(verify().code()).as("byte %d", at).isEqualTo(ExitCode.LOCK);
            Files.write(device.lock, sound);
        }
    }

    @Test
    void aTruncatedLockIsRefusedWithItsPlace() throws IOException {
        device.locked();
        String sound = Files.readString(device.lock);
        Files.writeString(device.lock, sound.substring(0, sound.length() / 2));
        refused("the lock " + device.lock + ": line ", "; to make one: edged lock write");
        Files.writeString(device.lock, "");
        refused("no JSON value");
    }

    @Test
    void aFingerprintWithAnotherPrefixIsRefused() throws IOException {
        device.locked();
        Files.writeString(
                device.lock, Files.readString(device.lock).replaceFirst("blake3:", "sha256:"));
        refused("not a fingerprint: \"sha256:", "wanted \"blake3:\"");
    }

    @Test
    void aLockWithAnotherContentThanItsFingerprintIsRefused() throws IOException {
        device.locked();
        Files.writeString(
                device.lock, Files.readString(device.lock).replace("\"info\"", "\"warn\""));
        refused(
                "was changed after it was written, or is damaged: behavioral_fingerprint says",
                "the content has");
    }

    @Test
    void aStaleLockIsToldByItsRelease() throws IOException {
        device.locked();
        Files.writeString(device.product.resolve("lib/edged.jar"), "newer jar");
        device.release();
        refused(
                "the lock was written for another release: for ",
                "file has other content: lib/edged.jar",
                "edged lock write --config");
        assertThat(device.onDevice("lock", "write").code()).isEqualTo(ExitCode.CLEAN);
        assertThat(verify().code()).isEqualTo(ExitCode.CLEAN);
    }

    @Test
    void aMissingLockNamesTheCommandThatMakesOne() {
        device.release();
        refused("there is no lock at " + device.lock + "; to make one: edged lock write --config");
    }

    @Test
    void nothingIsWrittenForFilesThatAreNotTheirRelease() throws IOException {
        device.release();
        DeviceFixture.flipBit(device.product.resolve("lib/edged.jar"), 0);
        var outcome = device.onDevice("lock", "write");
        assertThat(outcome.code()).isEqualTo(ExitCode.LOCK);
        assertThat(outcome.err())
                .contains("file has other content: lib/edged.jar", "nothing is written");
        assertThat(device.lock).doesNotExist();
    }

    @Test
    void withoutAReleaseLockTheWayToOneIsNamed() {
        var outcome = device.onDevice("lock", "write");
        assertThat(outcome.code()).isEqualTo(ExitCode.LOCK);
        assertThat(outcome.err()).contains("no release lock", "--root", "edged lock release");
    }

    @Test
    void theReleaseLockIsNeverReplacedByADeviceLock() throws IOException {
        device.release();
        device.configure("lock.file = \"product/edge.lock.json\"\n");
        byte[] before = Files.readAllBytes(device.product.resolve("edge.lock.json"));
        var outcome = device.onDevice("lock", "write");
        assertThat(outcome.code()).isEqualTo(ExitCode.LOCK);
        assertThat(outcome.err()).contains("is the release lock and stays as it is");
        assertThat(Files.readAllBytes(device.product.resolve("edge.lock.json"))).isEqualTo(before);
    }

    @Test
    void filesOfOneArchitectureAreListedApart() throws IOException {
        var other = new DeviceFixture(Files.createDirectory(directory.resolve("other")));
        Files.writeString(other.product.resolve("runtime/lib/modules"), "modules for arm64");
        DeviceFixture.require(
                device.run(
                        "lock",
                        "release",
                        "--amd64",
                        device.product.toString(),
                        "--arm64",
                        other.product.toString()));
        var shown =
                device.run(
                        "lock",
                        "show",
                        "--files",
                        device.product.resolve("edge.lock.json").toString());
        assertThat(shown.out())
                .containsPattern("shared +0644 blake3:[0-9a-f]{64} 3 lib/edged.jar")
                .containsPattern("arm64 +0644 blake3:[0-9a-f]{64} 17 runtime/lib/modules")
                .containsPattern("riscv64 +0644 blake3:[0-9a-f]{64} 15 runtime/lib/modules")
                .contains("of a release");
        assertThat(Files.readAllBytes(other.product.resolve("edge.lock.json")))
                .isEqualTo(Files.readAllBytes(device.product.resolve("edge.lock.json")));
        other.close();
    }

    @Test
    void theDifferenceOfTwoLocksIsInWords() throws IOException {
        device.locked();
        Path before = Files.copy(device.lock, directory.resolve("before.json"));
        Files.writeString(device.product.resolve("lib/edged.jar"), "newer jar");
        device.release();
        device.configure("log.level = \"warn\"\n");
        DeviceFixture.require(device.onDevice("lock", "write"));
        var outcome = device.run("lock", "diff", before.toString(), device.lock.toString());
        assertThat(outcome.code()).isEqualTo(ExitCode.CLEAN);
        assertThat(outcome.out().lines())
                .hasSize(2)
                .anyMatch(line ->
                        line.startsWith("file changed on every architecture: lib/edged.jar: 3 "))
                .contains("configuration changed: log.level: \"info\" -> \"warn\"");
        assertThat(
                        device.run(
                                        "lock",
                                        "diff",
                                        "--json",
                                        before.toString(),
                                        device.lock.toString())
                                .out())
                .contains("\"changes\":[\"", "configuration changed: log.level: \\\"info\\\"");
        assertThat(device.onDevice("lock", "verify", "--json").out())
                .startsWith("{\"ok\":true,\"exit_code\":0,\"lock\":\"")
                .contains(",\"fingerprint\":\"blake3:");
        assertThat(device.run("lock", "diff", before.toString(), before.toString()).out())
                .startsWith("the locks are the same; fingerprint blake3:");
        Files.writeString(before, "{}");
        assertThat(device.run("lock", "diff", before.toString(), device.lock.toString()).code())
                .isEqualTo(ExitCode.LOCK);
    }

    @Test
    void aLockIsShownForPeopleAndAsItIs() throws IOException {
        device.locked();
        var shown = device.run("lock", "show", "--config", device.config.toString());
        assertThat(shown.out())
                .contains(
                        "of a device", "fingerprint  blake3:", "key          log.level = \"info\"")
                .contains("amd64        3 files, 28 bytes")
                .doesNotContain("device-7");
        assertThat(device.run("lock", "show", "--json", device.lock.toString()).out())
                .isEqualTo(Files.readString(device.lock));
    }

    @Test
    void aLinkCountsAsTheFileThatItNames() throws IOException {
        Path link = device.product.resolve("lib/link.jar");
        Files.createSymbolicLink(link, Path.of("edged.jar"));
        device.locked();
        assertThat(verify().code()).isEqualTo(ExitCode.CLEAN);
        DeviceFixture.flipBit(device.product.resolve("lib/edged.jar"), 0);
        refused("file has other content: lib/link.jar", "2 differences");
        Files.delete(link);
        Files.createSymbolicLink(link, Path.of("nothing"));
        refused("the installed files cannot be compared");
    }

    @Test
    void onlyTheConfiguredKeySigns() throws Exception {
        device.key("right");
        device.key("wrong");
        device.configure("lock.public_key_file = \"right.pub.pem\"\n");
        refused("lock.public_key_file asks for a signed lock, and there is none");
        device.locked();
        refused("edge.lock.json.sig is not there", "edged lock sign");
        assertThat(device.sign(device.lock, "right").out()).startsWith("wrote ");
        assertThat(verify().code()).isEqualTo(ExitCode.CLEAN);

        Path signature = directory.resolve("edge.lock.json.sig");
        String sound = Files.readString(signature);
        Files.writeString(signature, sound.replace("blake3:", "blake2:"));
        refused("not a fingerprint");
        Files.writeString(signature, sound.substring(0, sound.length() / 2));
        refused("the signature " + signature + ": line ");
        Files.writeString(
                signature,
                sound.replaceFirst("\"signature\": \".{8}", "\"signature\": \"AAAAAAAA"));
        refused("was not made by the key");
        device.sign(device.lock, "wrong");
        refused("is by the key blake3:", "which is not the one in lock.public_key_file");
        Files.writeString(signature, sound);
        device.configure(
                """
                lock.public_key_file = "right.pub.pem"
                log.level = "warn"
                """);
        DeviceFixture.require(device.onDevice("lock", "write"));
        refused("is for blake3:", ", not for blake3:");
    }

    @Test
    void aKeyThatIsNoneIsCode5() throws Exception {
        device.locked();
        device.configure("lock.public_key_file = \"key.pem\"\n");
        assertThat(verify().code()).isEqualTo(ExitCode.CERTIFICATES);
        Files.writeString(directory.resolve("key.pem"), "no key");
        assertThat(verify().err()).contains("key.pem: holds no PUBLIC KEY; wanted an Ed25519 key");
        device.pem(
                "key.pem",
                "PUBLIC KEY",
                java.security.KeyPairGenerator.getInstance("EC")
                        .generateKeyPair()
                        .getPublic()
                        .getEncoded());
        var outcome = verify();
        assertThat(outcome.code()).isEqualTo(ExitCode.CERTIFICATES);
        assertThat(outcome.err()).contains("holds another kind of key");
    }

    @Test
    void keysThatAreNoPairSignNothing() throws Exception {
        device.locked();
        device.key("a");
        device.key("b");
        Files.copy(
                directory.resolve("a.pub.pem"),
                directory.resolve("b.pub.pem"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        var outcome = device.sign(device.lock, "b");
        assertThat(outcome.code()).isEqualTo(ExitCode.CERTIFICATES);
        assertThat(outcome.err()).contains("does not belong to the private key");
    }

    @Test
    void aConfigurationThatIsNotSoundIsCode1() throws IOException {
        Files.writeString(device.config, "node.id = 7");
        for (String command : new String[] {"write", "verify"})
            assertThat(device.onDevice("lock", command).code()).isEqualTo(ExitCode.CONFIGURATION);
        assertThat(device.onDevice("precheck").code()).isEqualTo(ExitCode.CONFIGURATION);
    }

    @Test
    void theBarFillsAndGoesAway() {
        var text = new java.io.ByteArrayOutputStream();
        var bar = ProgressBar.always(new java.io.PrintStream(text, true));
        bar.begin(2, 100 << 20);
        bar.add(50 << 20);
        bar.add(50 << 20);
        bar.end();
        assertThat(text.toString(java.nio.charset.StandardCharsets.UTF_8))
                .contains("0% of 100 MiB", "####....", "50% of", "] 100% of 100 MiB hashed")
                .endsWith("\r\u001b[K");
    }
}
