package io.edged.drain;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.disk.FileSystemDirectory;
import io.edged.drain.SendResult.Delivered;
import io.edged.drain.SendResult.Fault;
import io.edged.drain.SendResult.Refused;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.OtlpJsonWriter;
import io.edged.otlp.OtlpJsonWriter.MalformedBodyException;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.System.Logger;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Writes requests as lines of OTLP/JSON into files, for devices without a network. A request is
 * delivered when its line is durable. What the disk refuses is a fault of the destination: the data
 * waits in the log.
 *
 * <p>A thread of its own does the writing; nothing interrupts it.
 */
final class FileSender implements Sender {

    private static final Logger LOG = System.getLogger(FileSender.class.getName());

    private static final int TICK_SECONDS = 30;

    /** Opens the directory, which may not be there yet. */
    interface Opening {
        LineFiles open() throws IOException;
    }

    private final String where;
    private final Opening opening;
    private final OtlpJsonWriter otlp = new OtlpJsonWriter();
    private final JsonFactory json = new JsonFactory();
    private final ScheduledExecutorService thread;

    /** Only on the thread. */
    private @Nullable LineFiles files;

    /**
     * @param name of the destination
     * @param onDeleted called for each file that the limits take
     */
    FileSender(
            String name,
            DestinationOptions.Directory options,
            InstantSource clock,
            Runnable onDeleted) {
        this(
                name,
                options.path().toString(),
                () ->
                        new LineFiles(
                                FileSystemDirectory.open(options.path()),
                                options,
                                clock,
                                onDeleted));
    }

    FileSender(String name, String where, Opening opening) {
        this.where = where;
        this.opening = opening;
        this.thread =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("drain-files-" + name).factory());
        var _ =
                thread.scheduleWithFixedDelay(
                        this::tick, TICK_SECONDS, TICK_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void send(Shipment shipment, Consumer<SendResult> onResult) {
        try {
            thread.execute(() -> {
                SendResult result = written(shipment);
                shipment.released().run();
                onResult.accept(result);
            });
        } catch (RejectedExecutionException e) {
            shipment.released().run();
            onResult.accept(new Fault("stopped", "whether edged is stopping"));
        }
    }

    private SendResult written(Shipment shipment) {
        try {
            if (shipment.bytes() == 0) files().probe(shipment.signal());
            else files().write(shipment.signal(), line(shipment));
            return new Delivered(0, Optional.empty());
        } catch (MalformedBodyException e) {
            return new Refused("malformed", false, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            return new Fault("disk", "room and permissions in " + where + ": " + e.getMessage());
        }
    }

    private LineFiles files() throws IOException {
        LineFiles open = files;
        if (open == null) {
            open = opening.open();
            files = open;
        }
        return open;
    }

    private ByteBuffer line(Shipment shipment) throws IOException {
        if (shipment.encoding() != ContentEncoding.IDENTITY)
            throw new IllegalStateException("a file takes no " + shipment.encoding());
        ByteBuffer body = whole(shipment.body());
        var bytes = new ByteArrayOutputStream(3 * body.remaining() + 64);
        try (JsonGenerator generator = json.createGenerator(bytes)) {
            otlp.write(shipment.signal(), body, generator);
        }
        bytes.write('\n');
        return ByteBuffer.wrap(bytes.toByteArray());
    }

    private static ByteBuffer whole(List<ByteBuffer> parts) {
        if (parts.size() == 1) return parts.getFirst().duplicate();
        var all = ByteBuffer.allocate(parts.stream().mapToInt(ByteBuffer::remaining).sum());
        for (ByteBuffer part : parts) all.put(part.duplicate());
        return all.flip();
    }

    private void tick() {
        try {
            // Nothing to look at before there was a first line.
            LineFiles open = files;
            if (open != null) open.tick();
        } catch (IOException e) {
            LOG.log(
                    WARNING,
                    "files of telemetry cannot be finished; directory={0} error={1}",
                    where,
                    String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.log(ERROR, "files of telemetry are not looked after; directory=" + where, e);
        }
    }

    /** What was taken is still written; it does not count as delivered any more. */
    @Override
    public void abort() {
        try {
            thread.execute(this::closeFiles);
        } catch (RejectedExecutionException e) {
            return; // a second time
        }
        thread.shutdown();
    }

    private void closeFiles() {
        LineFiles open = files;
        files = null;
        if (open == null) return;
        try {
            open.close();
        } catch (IOException e) {
            LOG.log(WARNING, "a file of telemetry cannot be closed; directory=" + where, e);
        }
    }
}
