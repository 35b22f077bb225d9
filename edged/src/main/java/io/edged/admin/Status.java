package io.edged.admin;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.daemon.Version;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** The sections of {@code /status}, one JSON object each. Any thread may add one. */
public final class Status {
    public static final int MAX_SECTIONS = 32;

    /**
     * Writes the members of one section. Runs on the rendering thread, which has a deadline; must
     * not touch the disk, and must not write secrets.
     */
    @FunctionalInterface
    public interface Section {
        void write(JsonGenerator json) throws IOException;
    }

    private final JsonFactory factory = new JsonFactory();
    private final Map<String, Section> sections = new ConcurrentSkipListMap<>();

    private final Map<String, Section> pages = new ConcurrentSkipListMap<>();

    public Status() {
        add("program", Status::program);
    }

    public synchronized void add(String name, Section section) {
        if (sections.size() >= MAX_SECTIONS)
            throw new IllegalStateException("more than " + MAX_SECTIONS + " status sections");
        if (sections.putIfAbsent(name, section) != null)
            throw new IllegalStateException("two status sections with the name " + name);
    }

    /** Adds a page of its own, one JSON object, at a path such as {@code /history}. */
    public void addPage(String path, Section page) {
        if (pages.putIfAbsent(path, page) != null)
            throw new IllegalStateException("two pages at " + path);
    }

    boolean hasPage(String path) {
        return pages.containsKey(path);
    }

    void writePage(String path, OutputStream out) throws IOException {
        try (JsonGenerator json = factory.createGenerator(out)) {
            json.writeStartObject();
            java.util.Objects.requireNonNull(pages.get(path)).write(json);
            json.writeEndObject();
        }
    }

    private static void program(JsonGenerator json) throws IOException {
        var runtime = ManagementFactory.getRuntimeMXBean();
        json.writeStringField("version", Version.current());
        json.writeNumberField("pid", ProcessHandle.current().pid());
        json.writeStringField("java", System.getProperty("java.version", "unknown"));
        json.writeStringField("arch", System.getProperty("os.arch", "unknown"));
        json.writeStringField(
                "started_at", Instant.ofEpochMilli(runtime.getStartTime()).toString());
        json.writeNumberField("uptime_seconds", runtime.getUptime() / 1000);
    }

    void write(OutputStream out) throws IOException {
        out.write('{');
        boolean first = true;
        for (var entry : sections.entrySet()) {
            out.write((first ? "\n  " : ",\n  ").getBytes(StandardCharsets.UTF_8));
            first = false;
            out.write(section(factory, entry.getKey(), entry.getValue()));
        }
        out.write("\n}\n".getBytes(StandardCharsets.UTF_8));
    }

    /** A section that fails says so in its place and leaves the others alone. */
    private static byte[] section(JsonFactory factory, String name, Section section)
            throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = factory.createGenerator(bytes)) {
            json.disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
            json.writeStartObject();
            section.write(json);
            json.writeEndObject();
        } catch (IOException | RuntimeException e) {
            bytes.reset();
            try (JsonGenerator json = factory.createGenerator(bytes)) {
                json.writeStartObject();
                json.writeStringField("error", String.valueOf(e));
                json.writeEndObject();
            }
        }
        var named = new ByteArrayOutputStream();
        try (JsonGenerator json = factory.createGenerator(named)) {
            json.writeString(name);
        }
        named.write(": ".getBytes(StandardCharsets.UTF_8));
        bytes.writeTo(named);
        return named.toByteArray();
    }
}
