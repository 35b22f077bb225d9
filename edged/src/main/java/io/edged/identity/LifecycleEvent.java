package io.edged.identity;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.wal.Append;
import io.edged.wal.Appender;
import io.edged.wal.WalException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * An entry of the log by which the daemon tells upstream about itself, of the kind {@code
 * lifecycle}.
 *
 * @param name such as {@code edged.lock.mismatch}
 * @param severity {@code INFO} or {@code WARN}
 * @param body for people
 */
record LifecycleEvent(String name, String severity, String body, Map<String, String> attributes) {

    private static final JsonFactory JSON = new JsonFactory();

    /** Starting goes on without the event when the disk does not answer for so long. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final int MAX_BODY_CHARACTERS = 4_000;

    LifecycleEvent {
        attributes = new TreeMap<>(attributes);
    }

    byte[] json() {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            json.writeStringField("kind", "lifecycle");
            json.writeStringField("name", name);
            json.writeStringField("severity", severity);
            json.writeStringField(
                    "body",
                    body.length() <= MAX_BODY_CHARACTERS
                            ? body
                            : body.substring(0, MAX_BODY_CHARACTERS) + "...");
            json.writeObjectFieldStart("attributes");
            for (var each : attributes.entrySet())
                json.writeStringField(each.getKey(), each.getValue());
            json.writeEndObject();
            json.writeEndObject();
        } catch (IOException e) {
            throw new IllegalStateException("writing JSON to memory", e);
        }
        return bytes.toByteArray();
    }

    /**
     * Appends the event and waits until it is durable.
     *
     * @throws IOException it is not; the message says why
     */
    void append(Appender log) throws IOException {
        var done = new CompletableFuture<Long>();
        Appender.Offer offer =
                log.offer(
                        new Append(ByteBuffer.wrap(json())) {
                            @Override
                            protected void durable(long seq) {
                                done.complete(seq);
                            }

                            @Override
                            protected void failed(WalException why) {
                                done.completeExceptionally(why);
                            }
                        });
        if (offer != Appender.Offer.QUEUED) throw new IOException("the log answers " + offer);
        try {
            var _ = done.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new IOException(
                    "the disk has not answered for " + PATIENCE.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(String.valueOf(e.getCause()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
