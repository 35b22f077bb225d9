package io.edged.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.netty.util.internal.logging.InternalLoggerFactory;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Level;
import java.util.logging.LogRecord;

class LoggingTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private List<String> lines() {
        return bytes.toString(StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void systemLoggersAndNettyShareOneHandler() {
        try (var logging = Logging.install(System.Logger.Level.INFO, LogFormat.LOGFMT, bytes)) {
            System.getLogger("io.edged.test.One")
                    .log(System.Logger.Level.INFO, "hello; name={0} bytes={1}", "a b", 12345);
            InternalLoggerFactory.getInstance("io.netty.channel.Some").warn("odd {}", "thing");
            System.getLogger("io.edged.test.One").log(System.Logger.Level.DEBUG, "unseen");
            logging.flush();
        }
        assertThat(lines()).hasSize(2);
        assertThat(lines().get(0))
                .endsWith("level=info logger=test.One msg=hello name=\"a b\" bytes=12345");
        assertThat(lines().get(1)).endsWith("level=warn logger=Some msg=\"odd thing\"");
    }

    @Test
    void aFloodBecomesABurstAndASummary() {
        try (var _ = Logging.install(System.Logger.Level.INFO, LogFormat.LOGFMT, bytes)) {
            var log = System.getLogger("io.edged.test.Flood");
            for (int i = 0; i < 1000; i++) log.log(System.Logger.Level.WARNING, "again; n={0}", i);
        }
        assertThat(lines()).hasSize(6);
        assertThat(lines().getLast()).endsWith("suppressed=995 template=\"again; n={0}\"");
    }

    @Test
    void theLevelCanChangeWhileRunning() {
        try (var logging = Logging.install(System.Logger.Level.INFO, LogFormat.LOGFMT, bytes)) {
            logging.adjust(System.Logger.Level.DEBUG, LogFormat.JSON);
            System.getLogger("io.edged.test.Level").log(System.Logger.Level.DEBUG, "seen");
        }
        assertThat(lines()).singleElement().asString().startsWith("{").contains("\"msg\":\"seen\"");
    }

    @Test
    void nothingThatFailsReachesTheCaller() {
        var broken =
                new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        throw new IOException("closed");
                    }
                };
        try (var logging = Logging.install(System.Logger.Level.INFO, LogFormat.LOGFMT, broken)) {
            assertThatCode(
                            () -> {
                                System.getLogger("io.edged.test.Broken")
                                        .log(System.Logger.Level.INFO, "lost");
                                logging.flush();
                            })
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void aReaderThatHasStoppedHoldsUpNobodyAndWhatIsLostIsCounted() throws InterruptedException {
        var writing = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        var stuck =
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        bytes.write(b);
                    }

                    @Override
                    public void write(byte[] line, int from, int length) {
                        writing.countDown();
                        try {
                            goOn.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                        bytes.write(line, from, length);
                    }
                };
        var handler =
                new LogHandler(
                        stuck,
                        new LogLine(LogFormat.LOGFMT, false),
                        java.time.InstantSource.system(),
                        System::nanoTime);
        handler.publish(ours("first"));
        writing.await();
        // Every template is new, so the limit holds back none before its table is full.
        for (int i = 0; i < 400; i++)
            for (int again = 0; again < 5; again++) handler.publish(ours("line " + i));
        goOn.countDown();
        handler.close();
        assertThat(lines()).anyMatch(line -> line.contains("suppressed=" + (2000 - 1024)));
    }

    private static LogRecord ours(String message) {
        var record = new LogRecord(Level.INFO, message);
        record.setLoggerName("io.edged.test.Stuck");
        return record;
    }
}
