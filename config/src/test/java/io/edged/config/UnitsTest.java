package io.edged.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

class UnitsTest {

    @ParameterizedTest
    @CsvSource({
        "0 B, 0",
        "1 B, 1",
        "1023 B, 1023",
        "1 KiB, 1024",
        "1025 B, 1025",
        "128 MiB, 134217728",
        "4 GiB, 4294967296",
        "64 TiB, 70368744177664"
    })
    void sizesAreWrittenInTheLargestWholeUnitAndReadBack(String text, long bytes) {
        assertThat(Units.format(bytes)).isEqualTo(text);
        assertThat(Units.parseBytes(text)).contains(bytes);
        assertThat(Units.parseBytes(text.replace(" ", ""))).contains(bytes);
    }

    @ParameterizedTest
    @CsvSource({"0ms, 0", "999ms, 999", "1s, 1000", "90s, 90000", "5m, 300000", "24h, 86400000"})
    void durationsAreWrittenInTheLargestWholeUnitAndReadBack(String text, long millis) {
        assertThat(Units.format(Duration.ofMillis(millis))).isEqualTo(text);
        assertThat(Units.parseDuration(text)).contains(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "5",
                "KiB",
                "-1 B",
                "+1 B",
                "1.5 KiB",
                "1  KiB",
                " 1 KiB",
                "1 KiB\n",
                "1 kib",
                "1 KB",
                "1e3 B",
                "9223372036854775807 B",
                "9000000 TiB",
                "٣ KiB"
            })
    void otherSizesAreRefused(String text) {
        assertThat(Units.parseBytes(text)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"10", "1d", "1 min", "1us", "-1s", "0.5s", "1h30m"})
    void otherDurationsAreRefused(String text) {
        assertThat(Units.parseDuration(text)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "endpont, endpoint",
        "ednpoint, endpoint",
        "ENDPOINT, endpoint",
        "end_point, endpoint",
        "headrs, headers",
        "retryMax, retry_max",
        "retry_maximum, retry_max",
        "batch_items, ",
        "x, ",
        "tmeoutt, timeout"
    })
    void nearestKeyIsAThirdOfTheLettersAwayAtMost(String typed, String meant) {
        var known = List.of("name", "endpoint", "headers", "timeout", "retry_initial", "retry_max");
        assertThat(NearestKey.of(typed, known)).isEqualTo(Optional.ofNullable(meant));
    }

    @ParameterizedTest
    @CsvSource({
        "'', '', 0",
        "a, '', 1",
        "'', ab, 2",
        "ab, ba, 1",
        "kitten, sitting, 3",
        "ca, abc, 3"
    })
    void distanceCountsInsertDeleteReplaceAndSwap(String a, String b, int distance) {
        assertThat(NearestKey.distance(a, b)).isEqualTo(distance);
    }

    @Test
    void longKeysAreNotCompared() {
        assertThat(NearestKey.of("x".repeat(100_000), List.of("x".repeat(100_000)))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1:4318, true",
        "127.8.9.10:0, true",
        "localhost:1, true",
        "LocalHost:1, true",
        "[::1]:65535, true",
        "[::ffff:127.0.0.1]:1, true",
        "0.0.0.0:1, false",
        "[::]:1, false",
        "10.0.0.1:1, false",
        "localhost.example:1, false",
        "gateway:1, false"
    })
    void onlyAddressesOfThisMachineAreLoopback(String text, boolean loopback) {
        assertThat(HostPort.parse(text).orElseThrow().isLoopback()).isEqualTo(loopback);
        assertThat(HostPort.parse(text).orElseThrow()).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":1",
                "h",
                "h:",
                "h:x",
                "h:-1",
                "h:65536",
                "h:999999",
                "::1:1",
                "[::1]",
                "[::1",
                "[h]:1",
                "[127.0.0.1]:1",
                "[fe80::1%eth0]:1",
                "256.0.0.1:1",
                "1.2.3:1",
                "127.1:1",
                "1:1",
                "-a:1",
                "a..b:1",
                "a b:1",
                "a_b:1",
                "h:1 ",
                "http://h:1",
                "h:٣"
            })
    void otherListenersAreRefused(String text) {
        assertThat(HostPort.parse(text)).isEmpty();
    }
}
