package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.drain.SendResult.Delivered;
import io.edged.drain.SendResult.Fault;
import io.edged.drain.SendResult.Reason;
import io.edged.drain.SendResult.Refused;
import io.edged.drain.SendResult.RetryAfter;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;

class AnswersTest {

    private static final Instant NOW = Instant.parse("2026-11-21T10:00:00Z");

    private final Answers answers = new Answers(InstantSource.fixed(NOW));

    private static HttpAnswer answer(int status, byte[] body, Map<String, List<String>> headers) {
        return new HttpAnswer(status, "", headers, body, Optional.empty());
    }

    private SendResult of(int status) {
        return answers.of(answer(status, new byte[0], Map.of()));
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 201, 202, 204, 299})
    void every2xxDelivers(int status) {
        assertThat(of(status)).isEqualTo(new Delivered(0, Optional.empty()));
    }

    @ParameterizedTest
    @CsvSource({"429,THROTTLED", "502,UNAVAILABLE", "503,UNAVAILABLE", "504,UNAVAILABLE"})
    void theRetryableCodesOfTheSpecificationAreRetried(int status, Reason reason) {
        assertThat(of(status))
                .isEqualTo(new RetryAfter(reason, "status " + status, Optional.empty()));
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 413, 422})
    void codesAboutTheDataRefuse(int status) {
        assertThat(of(status)).isInstanceOf(Refused.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {101, 301, 302, 307, 401, 403, 404, 405, 407, 415, 418, 500, 501, 505, 599})
    void everyOtherCodeIsAFaultThatSaysWhatToCheck(int status) {
        assertThat(of(status))
                .isInstanceOfSatisfying(
                        Fault.class, fault -> assertThat(fault.check()).isNotBlank());
    }

    @Test
    void aMissingAnswerIsRetried() {
        assertThat(answers.of(new TimeoutException("late")))
                .isEqualTo(new RetryAfter(Reason.TIMEOUT, "late", Optional.empty()));
        assertThat(answers.of(new IOException("reset")))
                .isEqualTo(new RetryAfter(Reason.CLOSED, "reset", Optional.empty()));
    }

    @Test
    void aPartialSuccessDeliversTheRest() {
        assertThat(answers.of(answer(200, Otlp.partialSuccess(7, "too old"), Map.of())))
                .isEqualTo(new Delivered(7, Optional.empty()));
    }

    @Test
    void aWarningWithoutRejectedItemsIsAWarning() {
        assertThat(answers.of(answer(200, Otlp.partialSuccess(0, "slow down"), Map.of())))
                .isInstanceOfSatisfying(
                        Delivered.class,
                        delivered -> {
                            assertThat(delivered.rejectedItems()).isZero();
                            assertThat(delivered.warning()).isPresent();
                        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"<html>", "{\"partialSuccess\":{}}", "\n\177", "\n\2\b"})
    void anUnreadableBodyOfA2xxCountsAsDelivered(String body) {
        byte[] bytes = body.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        assertThat(answers.of(answer(200, bytes, Map.of())))
                .isInstanceOfSatisfying(
                        Delivered.class,
                        delivered -> {
                            assertThat(delivered.rejectedItems()).isZero();
                            assertThat(delivered.warning()).isPresent();
                        });
    }

    @Test
    void negativeRejectedItemsAreGarbage() {
        assertThat(answers.of(answer(200, Otlp.partialSuccess(-5, ""), Map.of())))
                .isInstanceOfSatisfying(
                        Delivered.class,
                        delivered -> {
                            assertThat(delivered.rejectedItems()).isZero();
                            assertThat(delivered.warning()).isPresent();
                        });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "3|PT3S",
                " 120 |PT120S",
                "0|PT0S",
                "Sat, 21 Nov 2026 10:00:30 GMT|PT30S",
                "Sat, 21 Nov 2026 09:00:00 GMT|PT0S",
                "99999999999999999999999|PT277777777H46M40S",
            })
    void retryAfterIsSecondsOrADate(String value, Duration delay) {
        assertThat(RetryAfterHeader.parse(value, NOW)).contains(delay);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "soon", "-1", "+5", "1.5", "5 seconds", "2026-11-21T10:00:30Z"})
    void retryAfterThatIsNeitherIsIgnored(String value) {
        assertThat(RetryAfterHeader.parse(value, NOW)).isEmpty();
    }

    @Test
    void aDateIsComparedWithTheClockOfTheUpstreamIfItTells() {
        var headers =
                Map.of(
                        "retry-after", List.of("Sun, 01 Jan 2040 00:00:20 GMT"),
                        "date", List.of("Sun, 01 Jan 2040 00:00:00 GMT"));
        assertThat(answers.of(answer(503, new byte[0], headers)))
                .isEqualTo(
                        new RetryAfter(
                                Reason.UNAVAILABLE,
                                "status 503",
                                Optional.of(Duration.ofSeconds(20))));
    }
}
