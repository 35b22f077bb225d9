package io.edged.bundle;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.zip.GZIPOutputStream;

/**
 * Gathers parts, each with a deadline and a bound, and writes them with a manifest into one file
 * that only its owner may read. A part that fails is named in the manifest and leaves the others
 * alone.
 */
public final class SupportBundle {

    static final int MAX_PART_BYTES = 8 << 20;

    private static final JsonFactory JSON = new JsonFactory();

    /** Says what there is to see; may touch the disk and may hang. */
    @FunctionalInterface
    public interface Part {
        String read() throws Exception;
    }

    /** How one part went; {@code problem} is empty if it is whole. */
    public record Outcome(String name, int bytes, long millis, String problem) {
        public boolean ok() {
            return problem.isEmpty();
        }
    }

    private final Duration patience;
    private final Map<String, Part> parts = new LinkedHashMap<>();

    /**
     * @param patience how long one part may take
     */
    public SupportBundle(Duration patience) {
        this.patience = patience;
    }

    /** Adds a part under the name of a file in the bundle. */
    public SupportBundle with(String name, Part part) {
        if (parts.put(name, part) != null)
            throw new IllegalStateException("two parts with the name " + name);
        return this;
    }

    /**
     * Gathers and writes.
     *
     * @param file must not be there yet
     * @param directory the one directory of the archive
     * @throws IOException the file cannot be written; parts never are the reason
     */
    public List<Outcome> write(Path file, String directory, Instant now) throws IOException {
        var outcomes = new ArrayList<Outcome>();
        var options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        var mode =
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        try (var channel = Files.newByteChannel(file, options, mode);
                var tar =
                        new TarWriter(
                                new GZIPOutputStream(
                                        java.nio.channels.Channels.newOutputStream(channel)),
                                now)) {
            for (var part : parts.entrySet()) {
                long start = System.nanoTime();
                byte[] content = new byte[0];
                String problem = "";
                try {
                    content = gather(part.getValue());
                    if (content.length == MAX_PART_BYTES)
                        problem = "cut at " + MAX_PART_BYTES + " bytes";
                } catch (TimeoutException e) {
                    problem = "took longer than " + patience.toSeconds() + " s";
                } catch (ExecutionException e) {
                    problem = String.valueOf(e.getCause());
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("interrupted", e);
                }
                long millis = (System.nanoTime() - start) / 1_000_000;
                outcomes.add(new Outcome(part.getKey(), content.length, millis, problem));
                if (content.length > 0) tar.add(directory + "/" + part.getKey(), content);
            }
            tar.add(directory + "/manifest.json", manifest(now, outcomes));
        }
        return outcomes;
    }

    private byte[] gather(Part part)
            throws ExecutionException, InterruptedException, TimeoutException {
        // A thread that hangs in the disk cannot be stopped: it is left, and ends with the process.
        var thread =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().name("bundle-part").daemon(true).factory());
        try {
            return thread.submit(() -> bytes(part.read()))
                    .get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } finally {
            thread.shutdown();
        }
    }

    private static byte[] bytes(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return bytes.length <= MAX_PART_BYTES
                ? bytes
                : java.util.Arrays.copyOf(bytes, MAX_PART_BYTES);
    }

    private static byte[] manifest(Instant now, List<Outcome> outcomes) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.useDefaultPrettyPrinter();
            json.writeStartObject();
            json.writeStringField("made_at", now.toString());
            json.writeArrayFieldStart("parts");
            for (Outcome outcome : outcomes) {
                json.writeStartObject();
                json.writeStringField("name", outcome.name());
                json.writeStringField("outcome", outcome.ok() ? "ok" : "failed");
                if (!outcome.ok()) json.writeStringField("problem", outcome.problem());
                json.writeNumberField("bytes", outcome.bytes());
                json.writeNumberField("millis", outcome.millis());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        return bytes.toByteArray();
    }
}
