package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;

class RoomForecastTest {

    private static final long SECOND = 1_000_000_000L;

    private long now = 5 * SECOND;
    private long settled = 1000;

    // 10,000 frames in 10 MB: a segment of 1 MB has 1,000.
    private RoomForecast.LogReading log =
            new RoomForecast.LogReading(1001, 11_000, 10_000_000, 1_000_000, Duration.ofSeconds(3));

    private final RoomForecast forecast = new RoomForecast(() -> log, () -> settled, () -> now);

    @Test
    void whatIsLeftOfTheOldestSegmentIsDividedByThePaceOfTheDrain() {
        now += 2 * SECOND;
        settled += 200; // 100 a second; 800 frames are left
        assertThat(forecast.untilRoom()).isEqualTo(Duration.ofSeconds(8));
    }

    @Test
    void thePaceFollowsTheDrain() {
        now += SECOND;
        settled += 100;
        forecast.untilRoom();
        now += SECOND / 2; // too soon to look again
        settled += 100_000;
        assertThat(forecast.untilRoom()).isEqualTo(Duration.ofSeconds(9));
        now += SECOND / 2;
        settled -= 99_700; // 300 in that second: 0.4 of it and 0.6 of 100 are 180 a second
        assertThat(forecast.untilRoom().toMillis()).isEqualTo(600_000 / 180);
    }

    @Test
    void aDrainThatStandsStillGivesTheLongestForecast() {
        assertThat(forecast.untilRoom()).isEqualTo(RoomForecast.LONGEST);
        now += 100 * SECOND;
        assertThat(forecast.untilRoom()).isEqualTo(RoomForecast.LONGEST);
        now += SECOND;
        settled += 1;
        assertThat(forecast.untilRoom()).isEqualTo(RoomForecast.LONGEST);
    }

    @Test
    void aSegmentThatIsSettledAlreadyIsAboutToGo() {
        now += SECOND;
        settled += 5000;
        assertThat(forecast.untilRoom()).isLessThan(Duration.ofMillis(1));
        assertThat(forecast.diskBusy()).isEqualTo(Duration.ofSeconds(3));
    }
}
