package io.edged.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Each kind of mistake in the text of a file, and the exact lines that the operator gets. */
class ProblemsTest {

    /** Lines 1 to 4; what a row adds starts at line 5. */
    private static final String GOOD =
            """
            node.id = "a"
            storage.dir = "/d"
            receiver.http = "127.0.0.1:4318"
            drain.destination = [{ name = "up", endpoint = "http://h:4318" }]
            """;

    /** A name, the text of a file, and the lines about it. */
    record Row(String name, String text, List<String> lines) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Row added(String name, String text, String... lines) {
        return new Row(name, GOOD + text, List.of(lines));
    }

    private static Row whole(String name, String text, String... lines) {
        return new Row(name, text, List.of(lines));
    }

    private static final String SIZE = " (bytes, or a string with B, KiB, MiB, GiB or TiB), was ";
    private static final String DURATION = " (a string with ms, s, m or h), was ";
    private static final String TOML = "see https://toml.io/en/v1.0.0";

    static Stream<Row> unknown() {
        return Stream.of(
                added(
                        "mistyped key",
                        "storage.ceiling_byte = 1",
                        "edge.toml:5:1: storage.ceiling_byte: unknown key; did you mean"
                                + " \"ceiling_bytes\"?"),
                added(
                        "capitals instead of underscores",
                        "storage.ceilingBytes = 1",
                        "edge.toml:5:1: storage.ceilingBytes: unknown key; did you mean"
                                + " \"ceiling_bytes\"?"),
                added(
                        "mistyped table",
                        "[loging]\nlevel = \"debug\"",
                        "edge.toml:5:1: loging: unknown table; known here: node, storage, wal,"
                                + " receiver, limits, drain, deadletter, admin, log, shutdown,"
                                + " lock, precheck"),
                added(
                        "mistyped dotted table",
                        "limit.body_bytes = 1",
                        "edge.toml:5:1: limit: unknown table; did you mean \"limits\"?"),
                added(
                        "key of another table",
                        "[log]\n  deadline = \"1s\"",
                        "edge.toml:6:3: log.deadline: unknown key; it is known in [shutdown]"),
                added(
                        "key of several tables",
                        "allow_remote = true",
                        "edge.toml:5:1: allow_remote: unknown key; it is known in [receiver] and"
                                + " [admin]"),
                added(
                        "table inside a table",
                        "[log.retry_max]",
                        "edge.toml:5:1: log.retry_max: unknown table; it is known in"
                                + " [[drain.destination]]"),
                added(
                        "nothing like it",
                        "shutdown.grace = 1",
                        "edge.toml:5:1: shutdown.grace: unknown key; known here: deadline"),
                added(
                        "a value that may be a secret is not shown",
                        "\"bearer token\" = \"s3cr3t\"",
                        "edge.toml:5:1: \"bearer token\": unknown key; known here: node, storage,"
                                + " wal, receiver, limits, drain, deadletter, admin, log, shutdown,"
                                + " lock, precheck"),
                whole(
                        "in an array of tables",
                        """
                        node.id = "a"
                        storage.dir = "/d"
                        receiver.http = "127.0.0.1:4318"
                        [[drain.destination]]
                        name = "a"
                        endpoint = "http://a"
                        [[drain.destination]]
                        name = "b"
                         endpont = "http://b"
                        [drain.destination.header]
                        x = "1"
                        """,
                        "edge.toml:7:1: drain.destination[1].endpoint: required key is missing; for"
                                + " example endpoint = \"http://collector.example:4318\"",
                        "edge.toml:9:2: drain.destination[1].endpont: unknown key; did you mean"
                                + " \"endpoint\"?",
                        "edge.toml:10:1: drain.destination[1].header: unknown table; did you mean"
                                + " \"headers\"?"),
                whole(
                        "in an inline table",
                        """
                        node = { id = "a", idd = 1 }
                        storage.dir = "/d"
                        receiver.http = "127.0.0.1:4318"
                        drain.destination = [
                            { name = "a", endpoint = "http://a" },
                            { name = "b", endpoint = "http://b", time_out = "1s" },
                        ]
                        """,
                        "edge.toml:1:20: node.idd: unknown key; did you mean \"id\"?",
                        "edge.toml:6:42: drain.destination[1].time_out: unknown key; did you mean"
                                + " \"timeout\"?"));
    }

    static Stream<Row> lanes() {
        String rest =
                """
                [[drain.destination]]
                name = "up"
                endpoint = "http://h:4318"
                [[drain.lane]]
                name = "rest"
                signals = ["logs", "metrics", "traces"]
                kinds = ["k"]
                """;
        String start =
                """
                node.id = "a"
                storage.dir = "/d"
                receiver.http = "127.0.0.1:4318"
                """;
        return Stream.of(
                whole(
                        "a kind and a signal that two lanes take, and shares of too much",
                        start
                                + rest
                                + """
                                share = 70
                                [[drain.lane]]
                                name = "rest"
                                kinds = ["k"]
                                signals = ["metrics"]
                                share = 31
                                """,
                        "edge.toml:13:1: drain.lane[1].name: claims a lane called rest, and so does"
                                + " drain.lane[0].name, was \"rest\"; each belongs to one lane",
                        "edge.toml:14:1: drain.lane[1].kinds: claims events of kind k, and so does"
                                + " drain.lane[0].kinds, was [\"k\"]; each belongs to one lane",
                        "edge.toml:15:1: drain.lane[1].signals: claims metrics, and so does"
                                + " drain.lane[0].signals, was [\"metrics\"]; each belongs to one lane",
                        "edge.toml:16:1: drain.lane[1].share: the shares of all lanes add up to 101"
                                + " percent, was 31; lower some, to 100 at most"),
                whole(
                        "a lane that takes nothing, a severity of metrics, signals without a lane",
                        start
                                + """
                                storage.keep_lanes = ["events"]
                                [[drain.destination]]
                                name = "up"
                                endpoint = "http://h:4318"
                                [[drain.lane]]
                                name = "empty"
                                [[drain.lane]]
                                name = "severe"
                                signals = ["metrics"]
                                min_severity = 17
                                """,
                        "edge.toml:4:1: storage.keep_lanes: must name lanes, and there is no lane"
                                + " \"events\", was [\"events\"]; the lanes are empty, severe",
                        "edge.toml:9:1: drain.lane[0].signals: is empty, and so is kinds: the lane"
                                + " takes nothing, was the default []; name kinds of events, or signals",
                        "edge.toml:13:1: drain.lane[1].min_severity: is for logs alone, was 17; write"
                                + " signals = [\"logs\"] in this lane"));
    }

    static Stream<Row> values() {
        return Stream.of(
                added(
                        "size of a wrong type",
                        "wal.segment_bytes = true",
                        "edge.toml:5:1: wal.segment_bytes: must be a size from 2 MiB to 1 GiB"
                                + SIZE
                                + "true; for example segment_bytes = \"128 MiB\""),
                added(
                        "size out of range",
                        "wal.segment_bytes = 2147483648",
                        "edge.toml:5:1: wal.segment_bytes: must be a size from 2 MiB to 1 GiB"
                                + SIZE
                                + "2147483648; for example segment_bytes = \"128 MiB\""),
                added(
                        "size below zero",
                        "storage.reserve_bytes = -1",
                        "edge.toml:5:1: storage.reserve_bytes: must be a size from 0 B to 64 TiB"
                                + SIZE
                                + "-1; for example reserve_bytes = \"256 MiB\""),
                added(
                        "size with an unknown unit",
                        "[limits]\nbody_bytes = \"64 MB\"",
                        "edge.toml:6:1: limits.body_bytes: must be a size from 1 KiB to 64 MiB"
                                + SIZE
                                + "\"64 MB\"; for example body_bytes = \"64 MiB\""),
                added(
                        "size beyond 64 bits",
                        "storage.ceiling_bytes = \"99999999999999 TiB\"",
                        "edge.toml:5:1: storage.ceiling_bytes: must be a size from 8 MiB to 64 TiB"
                                + SIZE
                                + "\"99999999999999 TiB\"; for example ceiling_bytes = \"4 GiB\""),
                added(
                        "duration without a unit",
                        "receiver.idle_timeout = 60",
                        "edge.toml:5:1: receiver.idle_timeout: must be a duration from 100ms to 24h"
                                + DURATION
                                + "60; for example idle_timeout = \"1m\""),
                added(
                        "duration out of range",
                        "shutdown.deadline = \"2h\"",
                        "edge.toml:5:1: shutdown.deadline: must be a duration from 100ms to 1h"
                                + DURATION
                                + "\"2h\"; for example deadline = \"10s\""),
                added(
                        "count of a wrong type",
                        "receiver.max_connections = 1.5",
                        "edge.toml:5:1: receiver.max_connections: must be a whole number from 1 to"
                                + " 65536, was 1.5; for example max_connections = 256"),
                added(
                        "count out of range",
                        "receiver.max_connections = 0",
                        "edge.toml:5:1: receiver.max_connections: must be a whole number from 1 to"
                                + " 65536, was 0; for example max_connections = 256"),
                added(
                        "choice that is none",
                        "log.level = \"INFO\"",
                        "edge.toml:5:1: log.level: must be \"error\" or \"warn\" or \"info\" or"
                                + " \"debug\", was \"INFO\"; for example level = \"info\""),
                added(
                        "choice of a wrong type",
                        "storage.policy = 2026-11-21",
                        "edge.toml:5:1: storage.policy: must be \"reject\" or \"drop_oldest\", was"
                                + " 2026-11-21; for example policy = \"reject\""),
                added(
                        "flag of a wrong type",
                        "admin.allow_remote = \"yes\"",
                        "edge.toml:5:1: admin.allow_remote: must be true or false, was \"yes\"; for"
                                + " example allow_remote = false"),
                added(
                        "listener without a port",
                        "admin.listen = \"127.0.0.1\"",
                        "edge.toml:5:1: admin.listen: must be host:port with a port from 0 to"
                                + " 65535, an IPv6 address in brackets, was \"127.0.0.1\"; for"
                                + " example listen = \"127.0.0.1:9464\""),
                added(
                        "list with a wrong element",
                        "storage.keep_lanes = [\"a\", 1]",
                        "edge.toml:5:1: storage.keep_lanes: must be a list of at most 32 different"
                                + " strings, each 1 to 32 of a-z, 0-9 and -, was [\"a\", 1]; for"
                                + " example keep_lanes = []"),
                added(
                        "list with an element twice",
                        "storage.keep_lanes = [\"a\", \"a\"]",
                        "edge.toml:5:1: storage.keep_lanes: must be a list of at most 32 different"
                                + " strings, each 1 to 32 of a-z, 0-9 and -, was [\"a\", \"a\"]; for"
                                + " example keep_lanes = []"),
                added(
                        "problems of one line are in its order",
                        "log = { level = 1, x = 1 }",
                        "edge.toml:5:9: log.level: must be \"error\" or \"warn\" or \"info\" or"
                                + " \"debug\", was 1; for example level = \"info\"",
                        "edge.toml:5:20: log.x: unknown key; known here: level, format, events"),
                added(
                        "value where a table belongs",
                        "wal = \"x\"",
                        "edge.toml:5:1: wal: must be a table, was \"x\"; write [wal]"),
                added(
                        "array of tables where a table belongs",
                        "[[wal]]\nqueue_bytes = 1",
                        "edge.toml:5:1: wal: must be a table, was an array of tables; write [wal]"),
                added(
                        "table where a value belongs",
                        "[log.level]\nx = 1",
                        "edge.toml:5:1: log.level: must be \"error\" or \"warn\" or \"info\" or"
                                + " \"debug\", was a table; for example level = \"info\""),
                added(
                        "long values are shortened",
                        "log.format = \"" + "x".repeat(500) + "\"",
                        "edge.toml:5:1: log.format: must be \"logfmt\" or \"json\", was \""
                                + "x".repeat(79)
                                + "…; for example format = \"logfmt\""),
                added(
                        "control characters are escaped",
                        "log.format = \"a\\n\\u001b[2J\\u202e\"",
                        "edge.toml:5:1: log.format: must be \"logfmt\" or \"json\", was"
                                + " \"a\\n\\u001b[2J\\u202e\"; for example format = \"logfmt\""),
                whole(
                        "required keys",
                        """
                        node.id = "a b"
                        storage.dir = ""
                        receiver.http = "127.0.0.1:http"
                        [[drain.destination]]
                        name = "A"
                        endpoint = "h:4318"
                        """,
                        "edge.toml:1:1: node.id: must be 1 to 64 of A-Z, a-z, 0-9, ., _ and -, was"
                                + " \"a b\"; for example id = \"edge-0001\"",
                        "edge.toml:2:1: storage.dir: must be a path, was \"\"; for example dir ="
                                + " \"/var/lib/edged\"",
                        "edge.toml:3:1: receiver.http: must be host:port with a port from 0 to"
                                + " 65535, an IPv6 address in brackets, or empty, was"
                                + " \"127.0.0.1:http\"; for example http = \"127.0.0.1:4318\"",
                        "edge.toml:5:1: drain.destination[0].name: must be 1 to 32 of a-z, 0-9 and"
                                + " -, was \"A\"; for example name = \"upstream\"",
                        "edge.toml:6:1: drain.destination[0].endpoint: must be a URL of the form"
                                + " http[s]://host[:port][/path] or file:///directory, without user, query or fragment,"
                                + " was \"h:4318\"; for example"
                                + " endpoint = \"http://collector.example:4318\""));
    }

    static Stream<Row> missing() {
        String node = "edge.toml: node.id: required key is missing; for example id = \"edge-0001\"";
        String storage =
                "storage.dir: required key is missing; for example dir = \"/var/lib/edged\"";
        String listener =
                "receiver.http: no listener: nothing could come in; for example http ="
                        + " \"127.0.0.1:4318\"";
        String destination =
                "drain.destination: at least one is required; write [[drain.destination]] above its"
                        + " keys";
        return Stream.of(
                whole(
                        "everything",
                        "",
                        node,
                        "edge.toml: " + storage,
                        "edge.toml: " + listener,
                        "edge.toml: " + destination),
                whole(
                        "keys of tables that are there",
                        "[storage]\n[drain]\n[receiver]\nhttp = \"\"\n[node]\nid = \"a\"\n",
                        "edge.toml:1:1: " + storage,
                        "edge.toml:2:1: " + destination,
                        "edge.toml:4:1: " + listener),
                whole(
                        "single brackets around a destination",
                        """
                        node.id = "a"
                        storage.dir = "/d"
                        receiver.http = "127.0.0.1:4318"
                        [drain.destination]
                        name = "a"
                        """,
                        "edge.toml:4:1: drain.destination: must be an array of tables with at least"
                                + " one, was a table; write [[drain.destination]] above its keys"),
                whole(
                        "no tables in the array",
                        """
                        node.id = "a"
                        storage.dir = "/d"
                        receiver.http = "127.0.0.1:4318"
                        drain.destination = ["a",
                          {}]
                        """,
                        "edge.toml:4:22: drain.destination[0]: must be a table, was \"a\"; write"
                                + " [[drain.destination]] above its keys",
                        "edge.toml:5:3: drain.destination[1].name: required key is missing; for"
                                + " example name = \"upstream\"",
                        "edge.toml:5:3: drain.destination[1].endpoint: required key is missing; for"
                                + " example endpoint = \"http://collector.example:4318\""),
                whole(
                        "nothing is missing in a table that is none",
                        """
                        node = 1
                        storage.dir = "/d"
                        receiver = []
                        drain = "x"
                        """,
                        "edge.toml:1:1: node: must be a table, was 1; write [node]",
                        "edge.toml:3:1: receiver: must be a table, was []; write [receiver]",
                        "edge.toml:4:1: drain: must be a table, was \"x\"; write [drain]"),
                whole(
                        "too many destinations",
                        """
                        node.id = "a"
                        storage.dir = "/d"
                        receiver.http = "127.0.0.1:4318"
                        """
                                + IntStream.rangeClosed(1, 17)
                                        .mapToObj(i ->
                                                """
                                                [[drain.destination]]
                                                name = "d%d"
                                                endpoint = "http://d"
                                                """
                                                        .formatted(i))
                                        .collect(Collectors.joining()),
                        "edge.toml:4:1: drain.destination: must be at most 16 tables, was 17;"
                                + " remove some"));
    }

    static Stream<Row> conflicts() {
        String frame = "the largest frame (limits.body_bytes + 64 KiB + 52), ";
        String remote =
                ": other machines can reach this address, was \"%s\"; there is no TLS here, so the"
                        + " traffic is unauthenticated and unencrypted: listen on 127.0.0.1, or accept"
                        + " that with allow_remote = true";
        String unprotected =
                ": other machines can reach this address, was \"%s\"; neither TLS nor a token"
                        + " protects it: set tls_cert_file and tls_key_file, or bearer_token_file,"
                        + " listen on 127.0.0.1, or accept that with allow_remote = true";
        return Stream.of(
                added(
                        "segment smaller than a frame",
                        "wal.segment_bytes = \"16 MiB\"",
                        "edge.toml:5:1: wal.segment_bytes: must hold "
                                + frame
                                + "67174452 bytes, was \"16 MiB\"; raise it or lower"
                                + " limits.body_bytes"),
                added(
                        "segment one byte smaller than a frame",
                        "wal.segment_bytes = 67174451",
                        "edge.toml:5:1: wal.segment_bytes: must hold "
                                + frame
                                + "67174452 bytes, was 67174451; raise it or lower"
                                + " limits.body_bytes"),
                added("segment as large as a frame", "wal.segment_bytes = 67174452"),
                added(
                        "small segment with small bodies",
                        "wal.segment_bytes = \"2 MiB\"\nlimits.body_bytes = \"1 MiB\""),
                added(
                        "queue smaller than a frame",
                        "wal.queue_bytes = \"64 MiB\"",
                        "edge.toml:5:1: wal.queue_bytes: must hold "
                                + frame
                                + "67174452 bytes, was \"64 MiB\"; raise it or lower"
                                + " limits.body_bytes"),
                added(
                        "memory smaller than two bodies",
                        "limits.memory_bytes = \"127 MiB\"",
                        "edge.toml:5:1: limits.memory_bytes: must hold two of the largest bodies"
                                + " (limits.body_bytes), 134217728 bytes, was \"127 MiB\"; raise it or"
                                + " lower limits.body_bytes"),
                added(
                        "ceiling below four segments",
                        "storage.ceiling_bytes = \"511 MiB\"",
                        "edge.toml:5:1: storage.ceiling_bytes: must hold 4 segments"
                                + " (wal.segment_bytes), 536870912 bytes, was \"511 MiB\"; raise it"
                                + " or lower wal.segment_bytes"),
                added(
                        "a conflict with a default stands at the key that is there",
                        "storage.ceiling_bytes = \"1 GiB\"\nwal.segment_bytes = \"1 GiB\"",
                        "edge.toml:5:1: storage.ceiling_bytes: must hold 4 segments"
                                + " (wal.segment_bytes), 4294967296 bytes, was \"1 GiB\"; raise it"
                                + " or lower wal.segment_bytes"),
                added(
                        "no conflict with a value that was refused",
                        "wal.segment_bytes = \"16 MiB\"\nlimits.body_bytes = \"1 GiB\"",
                        "edge.toml:6:1: limits.body_bytes: must be a size from 1 KiB to 64 MiB"
                                + SIZE
                                + "\"1 GiB\"; for example body_bytes = \"64 MiB\""),
                added(
                        "one address twice",
                        "admin.listen = \"127.0.0.1:4318\"",
                        "edge.toml:3:1: receiver.http: must differ from admin.listen, was"
                                + " \"127.0.0.1:4318\"; give one of the two another port"),
                added(
                        "admin for everybody",
                        "admin.listen = \"0.0.0.0:9464\"",
                        "edge.toml:5:1: admin.listen" + remote.formatted("0.0.0.0:9464")),
                added(
                        "admin for everybody, on purpose",
                        "admin.listen = \"[::]:9464\"\nadmin.allow_remote = true"),
                added("admin on IPv6 of this machine", "admin.listen = \"[::1]:9464\""),
                added("admin on localhost", "admin.listen = \"localhost:9464\""),
                added(
                        "admin under a name that might mean anything",
                        "admin.listen = \"gateway:9464\"",
                        "edge.toml:5:1: admin.listen" + remote.formatted("gateway:9464")),
                whole(
                        "receiver for everybody",
                        GOOD.replace("127.0.0.1:4318", "192.168.0.1:4318"),
                        "edge.toml:3:1: receiver.http" + unprotected.formatted("192.168.0.1:4318")),
                added(
                        "gRPC for everybody",
                        "receiver.grpc = \"0.0.0.0:4317\"",
                        "edge.toml:5:1: receiver.grpc" + unprotected.formatted("0.0.0.0:4317")),
                added(
                        "gRPC for everybody, with TLS",
                        "receiver.grpc = \"0.0.0.0:4317\"\nreceiver.tls_cert_file = \"a\"\n"
                                + "receiver.tls_key_file = \"b\""),
                added(
                        "certificate without its key",
                        "receiver.tls_cert_file = \"a\"",
                        "edge.toml:5:1: receiver.tls_cert_file: needs tls_key_file, was \"a\"; set"
                                + " both or none"),
                added(
                        "gRPC where HTTP is",
                        "receiver.grpc = \"127.0.0.1:4318\"",
                        "edge.toml:5:1: receiver.grpc: must differ from receiver.http, was"
                                + " \"127.0.0.1:4318\"; give one of the two another port"),
                whole(
                        "receiver for everybody, on purpose",
                        GOOD.replace("127.0.0.1:4318", "192.168.0.1:4318")
                                + "receiver.allow_remote = true"),
                whole(
                        "retry that starts above its end",
                        GOOD.replace("http://h:4318\"", "http://h:4318\", retry_max = \"100ms\""),
                        "edge.toml:4:65: drain.destination[0].retry_initial: must not be longer"
                                + " than retry_max, was the default \"500ms\"; lower it or raise"
                                + " retry_max"),
                whole(
                        "one name twice",
                        GOOD.replace("}]", "}, { name = \"up\", endpoint = \"http://i\" }]"),
                        "edge.toml:4:69: drain.destination[1].name: must differ from"
                                + " drain.destination[0].name, was \"up\"; give each destination a"
                                + " name of its own"));
    }

    static Stream<Row> headers() {
        return Stream.of(
                headers("a header of a wrong type", "a = 5", "a: " + headerValue("a")),
                headers("a header with a newline", "a = \"x\\ny\"", "a: " + headerValue("a")),
                headers("an empty header", "a = \"\"", "a: " + headerValue("a")),
                headers(
                        "a header of ours",
                        "Content-Type = \"x\"",
                        "Content-Type: is set by edged itself; remove it"),
                headers(
                        "a header name with a blank",
                        "\"a b\" = \"s3cr3t\"",
                        "\"a b\": is no name of a header; use letters, digits and -"),
                whole(
                        "a header twice",
                        withHeaders("a = \"1\", A = \"2\""),
                        "edge.toml:4:86: drain.destination[0].headers.A: is there twice, capitals"
                                + " aside; keep one of the two"),
                whole(
                        "headers that are no table",
                        GOOD.replace("http://h:4318\"", "http://h:4318\", headers = \"s3cr3t\""),
                        "edge.toml:4:65: drain.destination[0].headers: must be a table of at most"
                                + " 32 headers; for example headers = {}"),
                whole(
                        "too many headers",
                        withHeaders(
                                IntStream.rangeClosed(1, 33)
                                        .mapToObj(i -> "h" + i + " = \"s3cr3t\"")
                                        .collect(Collectors.joining(", "))),
                        "edge.toml:4:65: drain.destination[0].headers: must be a table of at most"
                                + " 32 headers; for example headers = {}"),
                whole(
                        "a password in an endpoint is not shown",
                        GOOD.replace("http://h:4318", "http://user:s3cr3t@h:4318"),
                        "edge.toml:4:37: drain.destination[0].endpoint: must be a URL of the form"
                                + " http[s]://host[:port][/path] or file:///directory, without user, query or fragment;"
                                + " for example endpoint ="
                                + " \"http://collector.example:4318\""),
                whole(
                        "an endpoint that is not HTTP",
                        GOOD.replace("http://h:4318", "ftp://h"),
                        "edge.toml:4:37: drain.destination[0].endpoint: must be a URL of the form"
                                + " http[s]://host[:port][/path] or file:///directory, without user, query or fragment,"
                                + " was \"ftp://h\"; for example"
                                + " endpoint = \"http://collector.example:4318\""));
    }

    private static Row headers(String name, String headers, String problem) {
        return whole(
                name,
                withHeaders(headers),
                "edge.toml:4:77: drain.destination[0].headers." + problem);
    }

    private static String withHeaders(String headers) {
        return GOOD.replace("http://h:4318\"", "http://h:4318\", headers = { " + headers + " }");
    }

    private static String headerValue(String name) {
        return "must be a string of 1 to 4096 visible ASCII characters (the value is not shown"
                + " here); for example "
                + name
                + " = \"value\"";
    }

    static Stream<Row> syntax() {
        return Stream.of(
                added(
                        "key twice",
                        "node.id = \"b\"\nlog.level = \"x\"",
                        "edge.toml:5:1: not TOML: node.id previously defined at line 1, column 1;"
                                + " keep one of the two",
                        "edge.toml:6:1: log.level: must be \"error\" or \"warn\" or \"info\" or"
                                + " \"debug\", was \"x\"; for example level = \"info\""),
                added(
                        "table twice",
                        "[log]\nlevel = \"info\"\n[log]\nformat = \"json\"\n",
                        "edge.toml:7:1: not TOML: log previously defined at line 5, column 1; keep"
                                + " one of the two"),
                added(
                        "table that was written with dots",
                        "[node]\nid = \"b\"\n[log]\nlevl = 1\n",
                        "edge.toml:5:1: not TOML: node previously defined at line 1, column 1; keep"
                                + " one of the two",
                        "edge.toml:8:1: log.levl: unknown key; did you mean \"level\"?"),
                added(
                        "several errors, and a value that can be judged in spite of them",
                        "log.level = inf o\nlog.format = logfmt\nshutdown.deadline = \"1d\"\n",
                        "edge.toml:5:17: not TOML: Unexpected 'o', expected a newline or"
                                + " end-of-input; "
                                + TOML,
                        "edge.toml:6:14: not TOML: Unexpected 'l', expected a value; " + TOML,
                        "edge.toml:7:1: shutdown.deadline: must be a duration from 100ms to 1h"
                                + DURATION
                                + "\"1d\"; for example deadline = \"10s\""),
                whole(
                        "keys behind a broken header are not judged, nor what is missing",
                        """
                        [node]
                        id = "a"
                        [storage
                        dir = "/d"
                        [[drain.destination]
                        name = "a"
                        endpoint = "http://h"
                        [log]
                        level = 1
                        """,
                        "edge.toml:3:9: not TOML: Unexpected end of line, expected ]; " + TOML,
                        "edge.toml:5:20: not TOML: Unexpected ']', expected ]] or .; " + TOML,
                        "edge.toml:9:1: log.level: must be \"error\" or \"warn\" or \"info\" or"
                                + " \"debug\", was 1; for example level = \"info\""),
                whole(
                        "text of the file is not quoted",
                        withHeaders("authorization = 12345s3cr3t"),
                        "edge.toml:4:98: not TOML: Unexpected text, expected }, a comma, or a"
                                + " newline; "
                                + TOML),
                added(
                        "array of tables that was written inline",
                        "[[drain.destination]]\nname = \"b\"",
                        "edge.toml:5:1: not TOML: drain.destination previously defined as a literal"
                                + " array at line 4, column 1; keep one of the two"),
                added(
                        "no conflict with a table that could not be read",
                        "wal.segment_bytes = \"16 MiB\"\n[limits\nbody_bytes = \"1 MiB\"\n",
                        "edge.toml:6:8: not TOML: Unexpected end of line, expected ]; " + TOML),
                added("line ends of Windows alone", "[log]\r\nlevel = \"info\"\r\n"),
                added(
                        "line ends of the oldest Macs",
                        "[log]\rlevel = \"info\"\r",
                        "edge.toml:5:6: not TOML: Unexpected '\\r', expected a newline or"
                                + " end-of-input; "
                                + TOML),
                added(
                        "nesting",
                        "x = " + "[".repeat(50_000),
                        "edge.toml:5:134: not TOML: Nesting is too deep (more than 128 levels of"
                                + " tables and arrays); "
                                + TOML));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource({"unknown", "values", "lanes", "missing", "conflicts", "headers", "syntax"})
    void operatorGetsExactlyTheseLines(Row row) {
        assertThat(lines(row.text().getBytes(UTF_8))).isEqualTo(row.lines());
        assertThat(lines(row.text().replace("\n", "\r\n").replace("\r\r", "\r").getBytes(UTF_8)))
                .as("with CRLF")
                .isEqualTo(row.lines());
        assertThat(String.join("", lines(row.text().getBytes(UTF_8)))).doesNotContain("s3cr3t");
    }

    @Test
    void allProblemsOfAFileAreReportedAtOnce() {
        String text =
                Stream.of(unknown(), values(), conflicts())
                        .flatMap(rows -> rows)
                        .filter(row ->
                                row.name().equals("mistyped dotted table")
                                        || row.name().equals("flag of a wrong type")
                                        || row.name().equals("segment smaller than a frame"))
                        .map(row -> row.text().substring(GOOD.length()))
                        .collect(Collectors.joining("\n"));
        assertThat(lines(("\uFEFF" + GOOD + text + "\nnode.id = \"b\"\n").getBytes(UTF_8)))
                .extracting(line -> line.replaceFirst("(?s)^edge.toml:(\\d+):.*", "$1"))
                .containsExactly("1", "5", "6", "7", "8");
    }

    @Test
    void byteOrderMarkIsTheOnlyProblemOfAFileThatIsFineOtherwise() {
        assertThat(lines(("\uFEFF" + GOOD).getBytes(UTF_8)))
                .containsExactly(
                        "edge.toml:1:1: starts with a byte order mark; save it as UTF-8 without"
                                + " one");
    }

    @Test
    void bytesThatAreNotUtf8AreReportedByLineAndTheRestIsJudged() {
        String text =
                GOOD
                        + "log.level = \"info\" # vu à\n"
                        + "log.format = 1\n[shut é]\nx = 1\n[admin]\nallow_remote = 1";
        assertThat(lines(text.getBytes(ISO_8859_1)))
                .containsExactly(
                        "edge.toml:5:25: must be UTF-8, was byte 0xE0; save the file as UTF-8",
                        "edge.toml:6:1: log.format: must be \"logfmt\" or \"json\", was 1; for"
                                + " example format = \"logfmt\"",
                        "edge.toml:7:7: must be UTF-8, was byte 0xE9; save the file as UTF-8",
                        "edge.toml:10:1: admin.allow_remote: must be true or false, was 1; for"
                                + " example allow_remote = false");
    }

    @Test
    void utf16IsOneProblem() {
        assertThat(lines(("\uFEFF" + GOOD).getBytes(UTF_16LE)))
                .containsExactly(
                        "edge.toml:1:1: must be UTF-8, was UTF-16; save the file as UTF-8");
    }

    @Test
    void cutInsideACharacterIsReported() {
        byte[] bytes = (GOOD + "# é").getBytes(UTF_8);
        byte[] cut = Arrays.copyOf(bytes, bytes.length - 1);
        assertThat(lines(cut))
                .containsExactly(
                        "edge.toml:5:3: must be UTF-8, was byte 0xC3; save the file as UTF-8");
    }

    @Test
    void columnsCountCharactersNotUnitsOfUtf16() {
        assertThat(lines((GOOD + "node = { \"🙂\" = 1 }").getBytes(UTF_8)))
                .containsExactly(
                        "edge.toml:5:1: not TOML: node previously defined at line 1, column 1; keep"
                                + " one of the two");
        assertThat(lines((GOOD + "log = { \"🙂🙂\" = 1, x = 1 }").getBytes(UTF_8)))
                .containsExactly(
                        "edge.toml:5:9: log.\"🙂🙂\": unknown key; known here: level, format, events",
                        "edge.toml:5:19: log.x: unknown key; known here: level, format, events");
    }

    @Test
    void onlyTheFirstHundredProblemsAreShown() {
        String text = GOOD + "x = @\n".repeat(130);
        assertThat(lines(text.getBytes(UTF_8))).hasSize(101).endsWith("edge.toml: and 30 more");
    }

    @Test
    void problemsAreNeverEmpty() {
        assertThatThrownBy(() -> new Problems(List.of()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static List<String> lines(byte[] bytes) {
        return switch (EdgeToml.parse(Path.of("edge.toml"), bytes)) {
            case EdgeToml.Valid _ -> List.of();
            case EdgeToml.Invalid(Problems problems) -> problems.toString().lines().toList();
        };
    }
}
