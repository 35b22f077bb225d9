package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The page at {@code /}, in a real headless browser: an outage of the upstream, a restart of the
 * daemon under the open page, a click. With {@code -Dpage.shots=DIR} the screenshots are kept.
 */
class StatusPageTest {

    /** For the pictures: how long telemetry comes in before the first one. */
    private static final int SECONDS = Integer.getInteger("page.seconds", 0);

    @TempDir Path directory;

    @Test
    void thePageHasAPolicyThatAllowsItsOwnScriptOnly() throws Exception {
        try (var daemon = RunningFixture.start(directory, true, "")) {
            var page = daemon.get("/", "accept", "text/html,*/*");
            assertThat(page.headers().firstValue("content-security-policy").orElse(""))
                    .contains("default-src 'none'", "script-src 'sha256-", "style-src 'sha256-")
                    .doesNotContain("unsafe", "http");
            assertThat(page.body())
                    .startsWith("<!doctype html>")
                    .doesNotContain("src=\"http", "href=\"http", "innerHTML", "eval(");
            assertThat(page.body().length()).isLessThan(32 << 10);
            assertThat(daemon.get("/").body()).startsWith("edged\n");
            assertThat(daemon.get("/history").body()).startsWith("{\"step_seconds\":5");
        }
    }

    @Test
    void aRealBrowserShowsAnOutageAndItsEndOverARestart() throws Exception {
        if (!Browser.isThere()) {
            System.out.println("SKIP the status page in a browser: chromium is not installed");
            return;
        }
        try (var daemon = RunningFixture.start(directory, false, "");
                var browser = Browser.start(directory)) {
            for (int i = 0; i < 20; i++) assertThat(daemon.sendLogs(50)).isEqualTo(200);
            for (int i = 0; i < SECONDS * 4; i++) {
                assertThat(daemon.sendLogs(1 + i % 9)).isEqualTo(200);
                java.util.concurrent.locks.LockSupport.parkNanos(250_000_000);
            }
            daemon.await("an attempt", () -> lastError(daemon));
            browser.open("http://127.0.0.1:" + daemon.admin().getPort() + "/");
            browser.await("document.getElementById('disk').textContent.endsWith(' items wait')");
            browser.await(
                    "document.querySelector('#chart-disk path').getAttribute('d').includes('L')");
            browser.await("document.getElementById('errors').textContent.includes('sink: ')");
            browser.await("document.getElementById('state').textContent === 'well'");
            browser.await(
                    "document.getElementById('destinations').textContent.includes('waiting')");
            browser.shot(shot("status-outage.png"));

            daemon.stopDaemon();
            browser.await("document.getElementById('state').textContent.startsWith('no answer')");
            daemon.startUpstream();
            daemon.startDaemon();
            browser.await("document.getElementById('behind').textContent === 'nothing waits'");
            browser.await("document.getElementById('state').textContent === 'well'");
            browser.shot(shot("status-after.png"));

            assertThat(
                            browser.evaluate(
                                    "document.getElementById('fold').getAttribute('aria-expanded')"))
                    .isEqualTo("false");
            browser.click("fold");
            assertThat(
                            browser.evaluate(
                                    "document.getElementById('fold').getAttribute('aria-expanded')"))
                    .isEqualTo("true");
            browser.click("pause");
            assertThat(browser.evaluate("document.getElementById('pause').textContent"))
                    .isEqualTo("go on");
            assertThat(
                            browser.evaluate(
                                    "String(document.documentElement.scrollWidth <= window.innerWidth)"))
                    .as("nothing is wider than the screen of a phone")
                    .isEqualTo("true");
            assertThat(browser.complaints()).isEmpty();
        }
    }

    private static boolean lastError(RunningFixture daemon) {
        try {
            return daemon.get("/status").body().contains("last_error");
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private Path shot(String name) throws IOException {
        String kept = System.getProperty("page.shots", "");
        return Files.createDirectories(kept.isEmpty() ? directory : Path.of(kept)).resolve(name);
    }
}
