package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.edged.daemon.ExitCode;
import io.edged.disk.DirectoryLock;
import io.edged.identity.SystemFacts;
import io.edged.lock.RuntimeManifest;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The gate on real files: what passes, and what ends with which code and which words. */
class PrecheckCommandTest {

    @TempDir Path directory;
    private DeviceFixture device;
    private Path state;
    private Path system;

    @BeforeEach
    void device() throws IOException {
        device = new DeviceFixture(directory);
        state = directory.resolve("state");
        system = directory.resolve("system");
        Files.createDirectories(system.resolve("etc"));
        Files.createDirectories(system.resolve("proc/sys/kernel"));
        osRelease("13.1");
        Files.writeString(system.resolve("proc/sys/kernel/osrelease"), "6.12.1\n");
        anyFileSystem("");
    }

    @AfterEach
    void end() {
        device.close();
    }

    private void osRelease(String version) throws IOException {
        Files.writeString(
                system.resolve("etc/os-release"),
                "PRETTY_NAME=\"Debian "
                        + version
                        + "\"\nID=debian\nVERSION_ID='"
                        + version
                        + "'\n");
    }

    /** The tests run on any file system; one test of its own refuses one. */
    private void anyFileSystem(String more) throws IOException {
        device.configure(
                "precheck.file_systems = [\""
                        + Files.getFileStore(directory).type()
                        + "\"]\n"
                        + more);
    }

    private DeviceFixture.Outcome precheck(String... more) {
        var args = new java.util.ArrayList<String>();
        args.add("precheck");
        args.addAll(List.of(more));
        args.addAll(List.of("--system", system.toString()));
        return device.onDevice(args.toArray(String[]::new));
    }

    private void refused(ExitCode code, String... words) {
        var outcome = precheck();
        assertThat(outcome.err()).contains(words);
        assertThat(outcome.code()).isEqualTo(code);
    }

    /** What only works as root and on a real Linux is skipped elsewhere. */
    private static void command(String... command) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            skip(command[0] + " is not there");
            return;
        }
        boolean ended = process.waitFor(20, TimeUnit.SECONDS);
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!ended || process.exitValue() != 0)
            skip(String.join(" ", command) + " does not work here: " + said.strip());
    }

    private static void skip(String why) {
        System.out.println("SKIP " + why);
        assumeTrue(false, why);
    }

    @Test
    void aFirstBootPassesAndBeginsTheFirstEpoch() throws IOException {
        var outcome = precheck();
        assertThat(outcome.code()).isEqualTo(ExitCode.CLEAN);
        assertThat(outcome.out().lines().map(line -> line.split(": ", 2)[0]))
                .containsExactly(
                        "ok    configuration",
                        "note  state",
                        "ok    state",
                        "ok    log",
                        "ok    certificates",
                        "ok    lock",
                        "ok    system");
        assertThat(outcome.out())
                .contains("made the directory " + state)
                .contains("first seen, epoch 0 begins; Debian 13.1, 6.12.1; blake3:");
        assertThat(Files.readString(state.resolve("bootstrap/os_fingerprint.json")))
                .contains("\"boot_epoch\": 0", "\"os_release.VERSION_ID\": \"13.1\"");
        assertThat(state.resolve("epoch/current/evidence.json")).exists();
        assertThat(state.resolve("epoch/previous")).doesNotExist();
        var again = precheck();
        assertThat(again.out()).contains("as before, epoch 0").doesNotContain("note");
    }

    @Test
    void aChangedSystemBeginsTheNextEpochWithEvidence() throws IOException {
        precheck();
        String first = Files.readString(state.resolve("epoch/current/evidence.json"));
        osRelease("13.2");
        var outcome = precheck();
        assertThat(outcome.code()).isEqualTo(ExitCode.CLEAN);
        assertThat(outcome.out())
                .contains("changed, epoch 1 begins")
                .contains("note  system: os_release.VERSION_ID: \"13.1\" -> \"13.2\"");
        assertThat(Files.readString(state.resolve("epoch/previous/evidence.json")))
                .isEqualTo(first);
        assertThat(Files.readString(state.resolve("epoch/current/evidence.json")))
                .contains("\"epoch\": 1", "os_release.VERSION_ID: \\\"13.1\\\" -> \\\"13.2\\\"");
        assertThat(Files.readString(state.resolve("bootstrap/os_fingerprint.json")))
                .contains("\"boot_epoch\": 1");
        assertThat(precheck().out()).contains("as before, epoch 1");
    }

    @Test
    void oneDamagedFileOfTheEpochIsWrittenAgainAndBothAreCode2() throws IOException {
        precheck();
        osRelease("13.2");
        precheck();
        Path fingerprint = state.resolve("bootstrap/os_fingerprint.json");
        Path evidence = state.resolve("epoch/current/evidence.json");
        String sound = Files.readString(fingerprint);
        DeviceFixture.flipBit(fingerprint, sound.indexOf("debian"));
        assertThat(precheck().out())
                .contains("os_fingerprint.json is damaged: says blake3:")
                .contains("was written again from the evidence")
                .contains("as before, epoch 1");
        assertThat(Files.readString(fingerprint)).isEqualTo(sound);
        Files.writeString(evidence, "");
        assertThat(precheck().out()).contains("was written again from the fingerprint");
        Files.writeString(evidence, "");
        Files.writeString(fingerprint, "{}");
        refused(ExitCode.STATE_DIRECTORY, "the number of the epoch is not known any more");
        assertThat(Files.readString(fingerprint)).isEqualTo("{}");
    }

    @Test
    void onlyListedAndSignedSystemsPass() throws Exception {
        device.key("right");
        device.key("wrong");
        String keys =
                """
                lock.public_key_file = "right.pub.pem"
                lock.runtime_manifest_file = "manifest.json"
                """;
        anyFileSystem(keys);
        device.locked();
        device.sign(device.lock, "right");
        Path manifest = directory.resolve("manifest.json");
        refused(ExitCode.LOCK, "the runtime manifest " + manifest + " is not there");
        manifest(manifest);
        refused(ExitCode.LOCK, "is not trusted: the signature", "manifest.json.sig is not there");
        device.sign(manifest, "wrong");
        refused(ExitCode.LOCK, "which is not the one in lock.public_key_file");
        assertThat(state.resolve("bootstrap")).doesNotExist();
        DeviceFixture.require(device.sign(manifest, "right"));
        assertThat(precheck().out()).contains("epoch 0 begins", "in the signed manifest");

        osRelease("13.2");
        refused(ExitCode.LOCK, "does not list the system of this device, blake3:", "Debian 13.2");
        assertThat(Files.readString(state.resolve("bootstrap/os_fingerprint.json")))
                .contains("\"boot_epoch\": 0");
        String sound = Files.readString(manifest);
        manifest(manifest);
        refused(ExitCode.LOCK, "is for blake3:");
        DeviceFixture.require(device.sign(manifest, "right"));
        assertThat(precheck().out()).contains("epoch 1 begins", "in the signed manifest");
        Files.writeString(manifest, sound.substring(0, 20));
        refused(ExitCode.LOCK, "manifest.json line ");
    }

    private void manifest(Path file) throws IOException {
        Files.write(
                file,
                new RuntimeManifest(Set.of(SystemFacts.read(system).fingerprint())).prettyBytes());
    }

    @Test
    void aBadConfigurationIsCode1() throws IOException {
        anyFileSystem("no.such = 1\n");
        refused(ExitCode.CONFIGURATION, "unknown table");
        assertThat(state).doesNotExist();
    }

    @Test
    void aFileOrALinkIsNoStateDirectory() throws IOException {
        Files.writeString(state, "");
        refused(ExitCode.STATE_DIRECTORY, "is not a directory");
        Files.delete(state);
        Files.createSymbolicLink(state, Files.createDirectory(directory.resolve("elsewhere")));
        refused(ExitCode.STATE_DIRECTORY, "is a symbolic link");
    }

    @Test
    void aDirectoryThatOthersCanEnterIsCode2WithTheCommandThatHelps() throws IOException {
        precheck();
        DeviceFixture.mode(state, "rwxr-xr-x");
        refused(ExitCode.STATE_DIRECTORY, "has the mode rwxr-xr-x; run: chmod 700 " + state);
    }

    @Test
    void filesOfAnotherUserAreCode2() throws IOException {
        precheck();
        Path file = state.resolve("bootstrap/os_fingerprint.json");
        try {
            Files.setAttribute(file, "unix:uid", 12_345);
        } catch (IOException e) {
            skip("giving a file away takes root: " + e);
        }
        refused(ExitCode.STATE_DIRECTORY, "holds a file of 12345, " + file + "; run: chown -R ");
        Files.setAttribute(state, "unix:uid", 12_345);
        refused(ExitCode.STATE_DIRECTORY, "belongs to 12345, and this runs as user ");
    }

    @Test
    void anotherFileSystemIsCode2() throws IOException {
        device.configure("precheck.file_systems = [\"nosuchfs\"]\n");
        refused(ExitCode.STATE_DIRECTORY, "; wanted one of nosuchfs;", "precheck.file_systems");
    }

    @Test
    void noRoomForAFirstLogIsCode2() throws IOException {
        anyFileSystem("");
        Files.writeString(
                device.config,
                Files.readString(device.config)
                        .replace("reserve_bytes = 0", "reserve_bytes = \"60 TiB\""));
        refused(ExitCode.STATE_DIRECTORY, "bytes free; it takes ", "storage.reserve_bytes");
    }

    @Test
    void aLogWithTelemetryPassesWhateverTheReserve() throws IOException {
        precheck();
        Files.createDirectory(state.resolve("wal"));
        noRoomToBeginWith();
        var outcome = precheck();
        assertThat(outcome.code()).isEqualTo(ExitCode.CLEAN);
        assertThat(outcome.out()).contains("note  state: only ", "less than storage.reserve_bytes");
    }

    private void noRoomToBeginWith() throws IOException {
        Files.writeString(
                device.config,
                Files.readString(device.config)
                        .replace("reserve_bytes = 0", "reserve_bytes = \"60 TiB\""));
    }

    @Test
    void aReadOnlyDirectoryIsCode2() throws Exception {
        Files.createDirectory(state);
        DeviceFixture.mode(state, "rwx------");
        String path = state.toString();
        command("mount", "--bind", path, path);
        try {
            command("mount", "-o", "remount,bind,ro", path);
            refused(ExitCode.STATE_DIRECTORY, "cannot be used", "Read-only file system");
        } finally {
            command("umount", path);
        }
    }

    @Test
    void aDirectoryInMemoryIsCode2() throws Exception {
        Files.createDirectory(state);
        String path = state.toString();
        command("mount", "-t", "tmpfs", "-o", "mode=0700,size=8m", "tmpfs", path);
        try {
            refused(ExitCode.STATE_DIRECTORY, "is on tmpfs; wanted one of ");
        } finally {
            command("umount", path);
        }
    }

    @Test
    void aDirectoryThatAnotherProcessHoldsIsCode2AndNamesIt() throws IOException {
        precheck();
        try (var _ = DirectoryLock.take(state, "process 7")) {
            refused(ExitCode.STATE_DIRECTORY, "is in use by process 7");
        }
    }

    @Test
    void aLogThatLostItsSegmentsIsCode3OnlyIfThePolicyIsToStop() throws IOException {
        precheck();
        Path wal = Files.createDirectory(state.resolve("wal"));
        Files.write(wal.resolve("telemetry.safe_seq"), new byte[12]);
        var lenient = precheck();
        assertThat(lenient.code()).isEqualTo(ExitCode.CLEAN);
        assertThat(lenient.out()).contains("note  log: damaged, will be set aside and counted: ");
        anyFileSystem("wal.on_corruption = \"fail\"\n");
        refused(
                ExitCode.CORRUPTION,
                "wal.on_corruption is \"fail\"",
                "edged wal verify",
                "edged wal repair --dry-run");
        assertThat(wal).isDirectoryNotContaining("glob:**.wal");
    }

    @Test
    void aKeyThatIsNoneIsCode5() throws IOException {
        anyFileSystem("lock.public_key_file = \"none.pem\"\n");
        refused(ExitCode.CERTIFICATES, "none.pem: is not there");
    }

    @Test
    void aDeviceThatIsNotAsLockedIsCode6() throws IOException {
        device.locked();
        assertThat(precheck().out()).contains("ok    lock: everything is as " + device.lock);
        DeviceFixture.flipBit(device.product.resolve("bin/edged"), 0);
        refused(ExitCode.LOCK, "file has other content: bin/edged", "edged lock write --config");
    }

    @Test
    void aMissingLockIsCode6OnlyWhenOneIsWanted() {
        assertThat(precheck().code()).isEqualTo(ExitCode.CLEAN);
        var outcome = precheck("--locked");
        assertThat(outcome.code()).isEqualTo(ExitCode.LOCK);
        assertThat(outcome.err()).contains("there is no lock at ", "edged lock write --config");
    }
}
