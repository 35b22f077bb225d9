package io.edged.dist;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an image consists of, as CycloneDX 1.6: the jars and the Debian packages that its runtime
 * and C library come from. {@code Sbom VERSION ARCHITECTURE EPOCH IMAGE RUNTIME_LOCK COMPONENTS
 * OUT}.
 *
 * <p>COMPONENTS says where a jar comes from and what its licence is, by how its name begins; a jar
 * without a row ends the build, so that no licence is taken in unseen.
 */
final class Sbom {
    private static final Pattern JAR = Pattern.compile("(.+?)-(\\d[0-9A-Za-z.]*(?:-\\w+)?)\\.jar");

    /** A jar's origin: {@code PREFIX GROUP SPDX-LICENCE}. */
    record Row(String prefix, String group, String licence) {}

    record Component(
            String type, String name, String version, String purl, String sha256, String licence) {}

    private Sbom() {}

    public static void main(String[] args) throws IOException {
        List<Component> components =
                new ArrayList<>(
                        jars(
                                Path.of(args[3], "lib", "app"),
                                rows(Files.readAllLines(Path.of(args[5])))));
        components.addAll(packages(args[1], Files.readAllLines(Path.of(args[4]))));
        Files.writeString(
                Path.of(args[6]), json(args[0], args[1], Long.parseLong(args[2]), components));
    }

    static List<Row> rows(List<String> lines) {
        return lines.stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .map(line -> line.split(" +", 3))
                .map(cells -> new Row(cells[0], cells[1], cells[2]))
                .toList();
    }

    static List<Component> jars(Path directory, List<Row> rows) throws IOException {
        List<Path> files;
        try (var list = Files.list(directory)) {
            files = list.sorted().toList();
        }
        var components = new ArrayList<Component>();
        for (Path file : files) {
            String fileName = file.getFileName().toString();
            Matcher name = JAR.matcher(fileName);
            if (!name.matches()) throw new IOException(fileName + ": not NAME-VERSION.jar");
            Row row =
                    rows.stream()
                            .filter(each -> fileName.startsWith(each.prefix()))
                            .findFirst()
                            .orElseThrow(() ->
                                    new IOException(
                                            fileName
                                                    + " has no row in packaging/dist/components;"
                                                    + " look at its licence and add one"));
            String version = name.group(2);
            components.add(
                    new Component(
                            row.group().equals("io.edged") ? "application" : "library",
                            row.group() + ":" + name.group(1),
                            version,
                            "pkg:maven/" + row.group() + "/" + name.group(1) + "@" + version,
                            sha256(Files.readAllBytes(file)),
                            row.licence()));
        }
        return components;
    }

    private static List<Component> packages(String architecture, List<String> lock) {
        return lock.stream()
                .map(line -> line.split(" "))
                .filter(cells ->
                        cells.length == 5
                                && cells[0].equals(architecture)
                                && cells[1].equals("image"))
                .map(cells ->
                        new Component(
                                "library",
                                cells[2],
                                cells[3],
                                "pkg:deb/debian/"
                                        + cells[2].replace("+", "%2B")
                                        + "@"
                                        + cells[3].replace("+", "%2B").replace("~", "%7E")
                                        + "?arch="
                                        + architecture,
                                cells[4],
                                switch (cells[2]) {
                                    case "openjdk-25-jdk-headless" ->
                                            "GPL-2.0-only WITH Classpath-exception-2.0";
                                    case "libc6", "libc-bin" -> "LGPL-2.1-or-later";
                                    case "zlib1g" -> "Zlib";
                                    default -> "GPL-3.0-or-later WITH GCC-exception-3.1";
                                }))
                .toList();
    }

    private static String json(
            String version, String architecture, long epoch, List<Component> components)
            throws IOException {
        var seed = new StringBuilder(version + architecture);
        components.forEach(component -> seed.append(component));
        var text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.setPrettyPrinter(
                    new DefaultPrettyPrinter()
                            .withObjectIndenter(new DefaultIndenter("  ", "\n"))
                            .withArrayIndenter(new DefaultIndenter("  ", "\n")));
            json.writeStartObject();
            json.writeStringField("bomFormat", "CycloneDX");
            json.writeStringField("specVersion", "1.6");
            json.writeStringField(
                    "serialNumber",
                    "urn:uuid:"
                            + UUID.nameUUIDFromBytes(
                                    seed.toString().getBytes(StandardCharsets.UTF_8)));
            json.writeNumberField("version", 1);
            json.writeObjectFieldStart("metadata");
            json.writeStringField("timestamp", Instant.ofEpochSecond(epoch).toString());
            json.writeObjectFieldStart("component");
            json.writeStringField("type", "application");
            json.writeStringField("name", "edged");
            json.writeStringField("version", version);
            json.writeStringField("description", "edged for Linux on " + architecture);
            json.writeEndObject();
            json.writeEndObject();
            json.writeArrayFieldStart("components");
            for (Component component : components) write(json, component);
            json.writeEndArray();
            json.writeEndObject();
        }
        return text + "\n";
    }

    private static void write(JsonGenerator json, Component component) throws IOException {
        json.writeStartObject();
        json.writeStringField("type", component.type());
        json.writeStringField("bom-ref", component.purl());
        json.writeStringField("name", component.name());
        json.writeStringField("version", component.version());
        json.writeStringField("purl", component.purl());
        json.writeArrayFieldStart("hashes");
        json.writeStartObject();
        json.writeStringField("alg", "SHA-256");
        json.writeStringField("content", component.sha256());
        json.writeEndObject();
        json.writeEndArray();
        json.writeArrayFieldStart("licenses");
        json.writeStartObject();
        json.writeStringField("expression", component.licence());
        json.writeEndObject();
        json.writeEndArray();
        json.writeEndObject();
    }

    static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
