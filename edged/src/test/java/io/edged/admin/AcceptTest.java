package io.edged.admin;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AcceptTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "''|PROMETHEUS_TEXT",
                "*/*|PROMETHEUS_TEXT",
                "text/html,*/*;q=0.8|PROMETHEUS_TEXT",
                "application/openmetrics-text|OPEN_METRICS",
                "application/openmetrics-text; version=1.0.0; charset=utf-8|OPEN_METRICS",
                "Application/OpenMetrics-Text;q=0.5,text/plain;q=0.4|OPEN_METRICS",
                "application/openmetrics-text;q=0.3,text/plain;q=0.4|PROMETHEUS_TEXT",
                "application/openmetrics-text;q=0|PROMETHEUS_TEXT",
                "application/openmetrics-text;version=9.0.0|PROMETHEUS_TEXT",
                "application/openmetrics-text;q=nonsense|PROMETHEUS_TEXT",
                ";;;,,,=;q|PROMETHEUS_TEXT"
            })
    void theTextIsTheOneThatIsPreferred(String accept, Metrics.Exposition expected) {
        assertThat(Accept.exposition(accept)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|false",
                "gzip|true",
                "br, GZIP;q=0.5|true",
                "gzip;q=0|false",
                "gzip;q=0.000, *|false",
                "*|true",
                "identity|false"
            })
    void compressionIsOnlyForWhoAsks(String accept, boolean expected) {
        assertThat(Accept.gzip(accept)).isEqualTo(expected);
    }
}
