package io.edged.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Files that are read, and files that cannot be. */
class EdgeTomlTest {

    private static final String EVERY_KEY =
            """
            [node]
            id = "north.7"

            [storage]
            dir = "state"
            ceiling_bytes = "1 GiB"
            reserve_bytes = 1000
            policy = "drop_oldest"
            keep_lanes = ["error", "decision"]

            [wal]
            segment_bytes = "16 MiB"
            on_corruption = "fail"
            queue_bytes = "9 MiB"

            [receiver]
            http = "[::]:14318"
            grpc = "[::]:14317"
            allow_remote = true
            tls_cert_file = "server.pem"
            tls_key_file = "/etc/server.key"
            tls_client_ca_file = "clients.pem"
            bearer_token_file = "token"
            max_connections = 17
            max_connections_per_client = 3
            header_timeout = "1s"
            body_timeout = "2s"
            idle_timeout = "3m"
            events_socket = "/run/edged/events.sock"
            cors_origins = ["https://app.example"]
            cors_credentials = true
            forward_headers = ["x-zone"]
            tenant_header = "x-tenant"
            tenant_from_token = true

            [limits]
            memory_bytes = "33 MiB"
            body_bytes = "8 MiB"
            record_bytes = "2 MiB"
            client_items_per_second = 5000
            client_bytes_per_second = "3 MiB"

            [[drain.lane]]
            name = "error"
            kinds = ["error", "Alarm.1"]
            share = 30

            [[drain.lane]]
            name = "urgent"
            signals = ["logs"]
            min_severity = 17
            share = 0

            [[drain.lane]]
            name = "decision"
            signals = ["logs", "metrics", "traces"]
            order = "newest"

            [[drain.destination]]
            name = "first"
            protocol = "grpc"
            endpoint = "https://a.example:4317/"
            bearer_token_file = "token"
            ca_file = "ca.pem"
            cert_file = "/c/device.pem"
            key_file = "device.key"
            proxy = "http://proxy.example:3128"
            proxy_credentials_file = "token"
            compression = "gzip"
            accepts = ["zstd"]
            batch_bytes = "64 KiB"
            batch_items = 99
            in_flight = 3
            bytes_per_second = "5 KiB"
            timeout = "4s"
            retry_initial = "50ms"
            retry_max = "24h"
            bytes_per_day = "10 MiB"
            bytes_per_month = "100 MiB"
            windows = ["Mon-Fri 22:00-06:00", "Sat,Sun 00:00-24:00"]
            time_zone = "Europe/Berlin"
            max_age = "48h"
            [drain.destination.headers]
            X-Tenant = "north"
            x-zone = "z 1"

            [[drain.destination]]
            name = "second"
            protocol = "file"
            endpoint = "file:///var/lib/edged/export"
            file_bytes = "3 MiB"
            file_age = "5m"
            file_count = 7
            file_max_age = "720h"

            [deadletter]
            ceiling_bytes = "9 MiB"
            max_age = "3h"

            [admin]
            listen = "0.0.0.0:0"
            allow_remote = true
            socket = "ctl.sock"

            [log]
            level = "debug"
            format = "json"
            events = false

            [shutdown]
            deadline = "7s"

            [lock]
            file = "device.json"
            public_key_file = "key.pem"
            runtime_manifest_file = "/etc/manifest.json"

            [precheck]
            certificate_margin = "24h"
            file_systems = ["ext4", "overlay"]
            """;

    private static final String START =
            """
            node.id = "a"
            storage.dir = "/d"
            receiver.http = "127.0.0.1:4318"
            """;

    @TempDir Path directory;
    private Path file;
    private Path token;

    @BeforeEach
    void names() {
        file = directory.resolve("edge.toml");
        token = directory.resolve("token");
    }

    @Test
    void everyKeyReachesItsRecord() throws IOException {
        secret("t0ken\n");
        assertThat(valid(EVERY_KEY)).isEqualTo(everyKey());
    }

    @Test
    void everyKeyOfTheCodeIsSetToSomethingElseByThatTest() throws IOException {
        secret("t0ken\n");
        EdgeConfig set = valid(EVERY_KEY);
        EdgeConfig reference = valid(Files.readString(Path.of("edge.toml")));
        assertThat(leaves(set)).hasSameSizeAs(leaves(reference)).hasSize(count(EdgeConfig.TABLE));
        for (int i = 0; i < leaves(set).size(); i++)
            assertThat(leaves(set).get(i)).isNotEqualTo(leaves(reference).get(i));
    }

    /**
     * Every component of every record, with those of the first destination, and of the last what is
     * for files.
     */
    private static List<Object> leaves(EdgeConfig config) {
        int files = count(EdgeConfig.Destination.TABLE) - 4;
        List<Object> last = components(config.drain().destinations().getLast()).toList();
        Stream<Object> destination =
                Stream.concat(
                        components(config.drain().destinations().getFirst()).limit(files),
                        last.stream().skip(files));
        return Stream.concat(destination, settings(config)).toList();
    }

    private static Stream<Object> settings(EdgeConfig config) {
        return Stream.of(
                        config.node(),
                        config.storage(),
                        config.wal(),
                        config.receiver(),
                        config.limits(),
                        config.deadLetter(),
                        config.admin(),
                        config.log(),
                        config.shutdown(),
                        config.lock(),
                        config.precheck())
                .flatMap(EdgeTomlTest::components);
    }

    private static Stream<Object> components(Record of) {
        return Arrays.stream(of.getClass().getRecordComponents())
                .map(component -> {
                    try {
                        return component.getAccessor().invoke(of);
                    } catch (ReflectiveOperationException e) {
                        throw new LinkageError(e.getMessage(), e);
                    }
                });
    }

    private static int count(Table table) {
        return table.keys().size()
                + table.tables().stream()
                        .filter(inner -> !inner.optional())
                        .mapToInt(EdgeTomlTest::count)
                        .sum();
    }

    private EdgeConfig everyKey() {
        return new EdgeConfig(
                new EdgeConfig.Node("north.7"),
                new EdgeConfig.Storage(
                        directory.resolve("state"),
                        1 << 30,
                        1000,
                        EdgeConfig.Storage.Policy.DROP_OLDEST,
                        List.of("error", "decision")),
                new EdgeConfig.Wal(16 << 20, EdgeConfig.Wal.Corruption.FAIL, 9 << 20),
                new EdgeConfig.Receiver(
                        Optional.of(new HostPort("::", 14318)),
                        Optional.of(new HostPort("::", 14317)),
                        true,
                        Optional.of(directory.resolve("server.pem")),
                        Optional.of(Path.of("/etc/server.key")),
                        Optional.of(directory.resolve("clients.pem")),
                        List.of(new EdgeConfig.ClientToken("", new Secret("t0ken"))),
                        17,
                        3,
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(2),
                        Duration.ofMinutes(3),
                        Optional.of(Path.of("/run/edged/events.sock")),
                        List.of("https://app.example"),
                        true,
                        List.of("x-zone"),
                        Optional.of("x-tenant"),
                        true),
                new EdgeConfig.Limits(33 << 20, 8 << 20, 2 << 20, 5_000, 3 << 20),
                new EdgeConfig.Drain(
                        List.of(
                                new EdgeConfig.Lane(
                                        "error",
                                        List.of("error", "Alarm.1"),
                                        List.of(),
                                        0,
                                        30,
                                        EdgeConfig.Lane.Order.OLDEST),
                                new EdgeConfig.Lane(
                                        "urgent",
                                        List.of(),
                                        List.of("logs"),
                                        17,
                                        0,
                                        EdgeConfig.Lane.Order.OLDEST),
                                new EdgeConfig.Lane(
                                        "decision",
                                        List.of(),
                                        List.of("logs", "metrics", "traces"),
                                        0,
                                        5,
                                        EdgeConfig.Lane.Order.NEWEST)),
                        List.of(
                                new EdgeConfig.Destination(
                                        "first",
                                        EdgeConfig.Destination.Protocol.GRPC,
                                        URI.create("https://a.example:4317"),
                                        Map.of(
                                                "x-tenant",
                                                new Secret("north"),
                                                "x-zone",
                                                new Secret("z 1")),
                                        Optional.of(token),
                                        Optional.of(directory.resolve("ca.pem")),
                                        Optional.of(Path.of("/c/device.pem")),
                                        Optional.of(directory.resolve("device.key")),
                                        Optional.of(URI.create("http://proxy.example:3128")),
                                        Optional.of(token),
                                        EdgeConfig.Destination.Compression.GZIP,
                                        List.of("zstd"),
                                        64 << 10,
                                        99,
                                        3,
                                        5 << 10,
                                        Duration.ofSeconds(4),
                                        Duration.ofMillis(50),
                                        Duration.ofHours(24),
                                        10 << 20,
                                        100 << 20,
                                        List.of("Mon-Fri 22:00-06:00", "Sat,Sun 00:00-24:00"),
                                        "Europe/Berlin",
                                        Duration.ofHours(48),
                                        64 << 20,
                                        Duration.ofHours(1),
                                        64,
                                        Duration.ZERO),
                                new EdgeConfig.Destination(
                                        "second",
                                        EdgeConfig.Destination.Protocol.FILE,
                                        URI.create("file:///var/lib/edged/export"),
                                        Map.of(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        EdgeConfig.Destination.Compression.IDENTITY,
                                        List.of("gzip"),
                                        2 << 20,
                                        8192,
                                        1,
                                        0,
                                        Duration.ofSeconds(10),
                                        Duration.ofMillis(500),
                                        Duration.ofSeconds(30),
                                        0,
                                        0,
                                        List.of(),
                                        "UTC",
                                        Duration.ZERO,
                                        3 << 20,
                                        Duration.ofMinutes(5),
                                        7,
                                        Duration.ofDays(30)))),
                new EdgeConfig.DeadLetter(9 << 20, Duration.ofHours(3)),
                new EdgeConfig.Admin(
                        new HostPort("0.0.0.0", 0),
                        true,
                        Optional.of(directory.resolve("ctl.sock"))),
                new EdgeConfig.Log(EdgeConfig.Log.Level.DEBUG, EdgeConfig.Log.Format.JSON, false),
                new EdgeConfig.Shutdown(Duration.ofSeconds(7)),
                new EdgeConfig.Lock(
                        directory.resolve("device.json"),
                        Optional.of(directory.resolve("key.pem")),
                        Optional.of(Path.of("/etc/manifest.json"))),
                new EdgeConfig.Precheck(Duration.ofDays(1), List.of("ext4", "overlay")));
    }

    @Test
    void noSecretIsPrinted() throws IOException {
        secret("t0ken\n");
        assertThat(valid(EVERY_KEY).toString())
                .contains("headers={x-tenant=(hidden), x-zone=(hidden)}")
                .contains("bearerTokenFile=Optional[" + token + "]")
                .doesNotContain("t0ken")
                .doesNotContain("north,");
    }

    @Test
    void tokenLosesOneLineEndOnly() throws IOException {
        for (String text : List.of("abc", "abc\n", "abc\r\n")) {
            secret(text);
            assertThat(withToken("token")).isEmpty();
        }
        secret("abc\n\n");
        assertThat(withToken("token"))
                .containsExactly(
                        unusable(
                                "must hold visible ASCII characters, the token, on a line",
                                "write the token into it, without blanks"));
    }

    @Test
    void tokenFileThatIsEmptyIsRefused() throws IOException {
        secret("\n");
        assertThat(withToken("token"))
                .containsExactly(
                        unusable(
                                "must hold visible ASCII characters, the token, on a line",
                                "write the token into it, without blanks"));
    }

    @Test
    void tokenFileThatOthersMayReadIsRefused() throws IOException {
        secret("abc");
        for (String mode : List.of("rw----r--", "rw--w----", "rw-----w-")) {
            Files.setPosixFilePermissions(token, PosixFilePermissions.fromString(mode));
            assertThat(withToken("token"))
                    .as(mode)
                    .containsExactly(
                            unusable(
                                    "can be read or changed by other users",
                                    "run: chmod 600 " + token));
        }
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("r--r-----"));
        assertThat(withToken("token")).isEmpty();
    }

    @Test
    void tokenFileThatIsALinkIsRefused() throws IOException {
        secret("abc");
        Files.createSymbolicLink(directory.resolve("link"), token);
        token = directory.resolve("link");
        assertThat(withToken("link"))
                .containsExactly(unusable("is a symbolic link", "name the file itself"));
    }

    @Test
    void tokenFileThatIsADirectoryIsRefused() throws IOException {
        token = Files.createDirectory(directory.resolve("d"));
        assertThat(withToken("d")).containsExactly(unusable("is a directory", "name a file"));
    }

    @Test
    void tokenFileThatIsTooLargeIsRefused() throws IOException {
        secret("x".repeat(SecretFile.MAX_BYTES + 1));
        assertThat(withToken("token"))
                .containsExactly(unusable("is larger than 16 KiB", "name the right file"));
    }

    @Test
    void tokenFileThatIsMissingIsNamedIfItLooksLikeAFile() throws IOException {
        assertThat(withToken("/no/such/token"))
                .containsExactly(
                        file
                                + ":7:1: drain.destination[0].bearer_token_file: does not exist,"
                                + " was \"/no/such/token\"; create it or correct its name");
    }

    @Test
    void tokenInPlaceOfItsFileIsNotPrinted() throws IOException {
        for (String pasted : List.of("eyJhbGciOi.J9.x", "pasted\\u0000token", "x".repeat(5000)))
            assertThat(withToken(pasted))
                    .singleElement()
                    .asString()
                    .startsWith(file + ":7:1: drain.destination[0].bearer_token_file: ")
                    .doesNotContain("eyJ")
                    .doesNotContain("pasted")
                    .doesNotContain("xxx");
    }

    @Test
    void tokenAndHeaderExcludeEachOther() throws IOException {
        secret("abc");
        assertThat(withToken("token", "headers = { Authorization = \"Basic x\" }"))
                .containsExactly(
                        file
                                + ":7:1: drain.destination[0].bearer_token_file: writes the header"
                                + " authorization, which is in headers as well; keep one of the"
                                + " two");
    }

    @Test
    void protocolAndEndpointBelongTogether() throws IOException {
        String at = file + ":6:1: drain.destination[0].endpoint: ";
        assertThat(withEndpoint("http://a:4318", "protocol = \"file\""))
                .singleElement()
                .asString()
                .startsWith(at)
                .contains("must be a directory, file:///path");
        assertThat(withEndpoint("file:///var/lib/edged/export"))
                .singleElement()
                .asString()
                .startsWith(at)
                .contains("for protocol \"file\" only");
        assertThat(withEndpoint("http://a:4317/v1/logs", "protocol = \"grpc\""))
                .singleElement()
                .asString()
                .contains("must not have a path for protocol \"grpc\"");
        assertThat(withEndpoint("file:///var/lib/edged/export", "protocol = \"file\"")).isEmpty();
        assertThat(withEndpoint("file://host/dir", "protocol = \"file\"")).hasSize(1);
    }

    @Test
    void keysOfAnotherProtocolAreRefusedUnlessTheySayTheirDefault() throws IOException {
        assertThat(
                        withEndpoint(
                                "http://a:4318",
                                "file_bytes = \"1 MiB\"",
                                "file_age = \"5m\"",
                                "file_count = 64",
                                "file_max_age = \"24h\""))
                .containsExactly(
                        file
                                + ":7:1: drain.destination[0].file_bytes: has an effect with"
                                + " protocol \"file\" only, was \"1 MiB\"; leave it out",
                        file
                                + ":8:1: drain.destination[0].file_age: has an effect with"
                                + " protocol \"file\" only, was \"5m\"; leave it out",
                        file
                                + ":10:1: drain.destination[0].file_max_age: has an effect with"
                                + " protocol \"file\" only, was \"24h\"; leave it out");
        assertThat(withEndpoint("http://a:4317", "protocol = \"grpc\"", "file_count = 1"))
                .singleElement()
                .asString()
                .contains("file_count: has an effect with protocol \"file\" only");
        secret("user:password");
        assertThat(
                        withEndpoint(
                                "file:///var/lib/edged/export",
                                "protocol = \"file\"",
                                "headers = { a = \"b\" }",
                                "bearer_token_file = \"token\"",
                                "ca_file = \"ca.pem\"",
                                "cert_file = \"c.pem\"",
                                "key_file = \"k.pem\"",
                                "proxy = \"http://p:1\"",
                                "proxy_credentials_file = \"token\"",
                                "compression = \"gzip\"",
                                "accepts = []",
                                "timeout = \"1s\""))
                .hasSize(10)
                .allMatch(line -> line.contains("has no effect with protocol \"file\""))
                .noneMatch(line -> line.contains("headers") && line.contains("\"b\""));
        assertThat(
                        withEndpoint(
                                "file:///var/lib/edged/export",
                                "protocol = \"file\"",
                                "accepts = [\"gzip\"]",
                                "timeout = \"10s\"",
                                "headers = {}",
                                "proxy = \"\"",
                                "in_flight = 2",
                                "bytes_per_second = \"1 MiB\"",
                                "file_count = 3"))
                .isEmpty();
    }

    @Test
    void aProxyIsHttpAndCredentialsNeedOne() throws IOException {
        secret("user:password");
        assertThat(withEndpoint("http://a", "proxy = \"https://p:1\""))
                .singleElement()
                .asString()
                .contains("proxy: must be http://host:port");
        assertThat(withEndpoint("http://a", "proxy = \"http://p:1/x\"")).hasSize(1);
        assertThat(withEndpoint("http://a", "proxy_credentials_file = \"token\""))
                .singleElement()
                .asString()
                .contains("there is no proxy");
        assertThat(
                        withEndpoint(
                                "http://a",
                                "proxy = \"http://p:1\"",
                                "proxy_credentials_file = \"token\""))
                .isEmpty();
    }

    /** Problems of a file with this endpoint on line 6, and more lines after it. */
    private List<String> withEndpoint(String endpoint, String... more) throws IOException {
        Files.writeString(
                file,
                START
                        + "[[drain.destination]]\nname = \"a\"\nendpoint = \""
                        + endpoint
                        + "\"\n"
                        + String.join("\n", more));
        return problems();
    }

    @Test
    void fileThatIsMissingIsOneProblem() {
        assertThat(problems())
                .containsExactly(file + ": does not exist; create it or correct its name");
    }

    @Test
    void directoryIsOneProblem() throws IOException {
        Files.createDirectory(file);
        assertThat(problems()).containsExactly(file + ": is a directory; name a file");
    }

    @Test
    void deviceIsNotOpened() {
        file = Path.of("/dev/zero");
        assertThat(problems())
                .containsExactly("/dev/zero: is not a regular file; name a regular file");
    }

    @Test
    void fileWithoutPermissionIsOneProblem() throws IOException {
        Files.writeString(file, "");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("-w-------"));
        assumeThat(Files.isReadable(file)).as("root reads everything").isFalse();
        assertThat(problems())
                .containsExactly(
                        file
                                + ": cannot be read: permission denied; give the user that runs"
                                + " edged read permission, also on its directories");
    }

    @Test
    void fileThatFailsToReadIsOneProblem() {
        file = Path.of("/proc/self/mem"); // regular, opens, and the first read fails
        assertThat(problems())
                .singleElement()
                .asString()
                .matches("/proc/self/mem: cannot be read: .*; check the disk and the file system");
    }

    @Test
    void fileThatIsTooLargeIsOneProblem() throws IOException {
        Files.writeString(file, "#".repeat(ConfigFile.MAX_BYTES + 1));
        assertThat(problems())
                .containsExactly(file + ": is larger than 256 KiB; name the right file");
    }

    @Test
    void linkToAConfigurationIsFollowed() throws IOException {
        secret("t0ken");
        Files.writeString(directory.resolve("real"), EVERY_KEY);
        Files.createSymbolicLink(file, directory.resolve("real"));
        assertThat(EdgeToml.read(file)).isEqualTo(new EdgeToml.Valid(everyKey()));
    }

    @Test
    void recordsRefuseWhatTheFileMayNotHold() {
        assertThatThrownBy(() -> new EdgeConfig.Limits(1 << 20, 0, 1 << 20, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "body_bytes must be a size from 1 KiB to 64 MiB (bytes, or a string with B,"
                                + " KiB, MiB, GiB or TiB), was 0");
        assertThatThrownBy(() -> new EdgeConfig.Node("a b"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private void secret(String text) throws IOException {
        Files.writeString(token, text);
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-------"));
    }

    /** Problems of a file with this value on line 7, and more lines after it. */
    private List<String> withToken(String value, String... more) throws IOException {
        Files.writeString(
                file,
                START
                        + "[[drain.destination]]\nname = \"a\"\nendpoint = \"http://a\"\n"
                        + "bearer_token_file = \""
                        + value
                        + "\"\n"
                        + String.join("\n", more));
        return problems();
    }

    private String unusable(String rule, String advice) {
        return file
                + ":7:1: drain.destination[0].bearer_token_file: "
                + rule
                + ", was \""
                + token
                + "\"; "
                + advice;
    }

    private EdgeConfig valid(String text) throws IOException {
        Files.writeString(file, text);
        return switch (EdgeToml.read(file)) {
            case EdgeToml.Valid(EdgeConfig config) -> config;
            case EdgeToml.Invalid(Problems problems) -> throw new AssertionError(problems);
        };
    }

    private List<String> problems() {
        return switch (EdgeToml.read(file)) {
            case EdgeToml.Valid _ -> List.of();
            case EdgeToml.Invalid(Problems problems) -> problems.toString().lines().toList();
        };
    }
}
