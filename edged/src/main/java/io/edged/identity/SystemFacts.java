package io.edged.identity;

import io.edged.lock.CanonicalJson;
import io.edged.lock.Fingerprint;
import io.edged.lock.JsonValue;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The system below the product: what its kernel, its distribution and its board call themselves.
 *
 * @param facts by name: {@code architecture}, {@code kernel}, {@code machine} and each {@code
 *     os_release.NAME}
 */
public record SystemFacts(SortedMap<String, String> facts) {

    private static final int MAX_FILE_BYTES = 64 << 10;
    private static final int MAX_FACTS = 128;
    private static final int MAX_FACT_CHARACTERS = 1_000;
    private static final String UNKNOWN = "unknown";

    public SystemFacts {
        facts = Collections.unmodifiableSortedMap(new TreeMap<>(facts));
    }

    /**
     * Reads the facts.
     *
     * @param root {@code /}, or a directory that looks like it
     */
    public static SystemFacts read(Path root) {
        var facts = new TreeMap<String, String>();
        facts.put(
                "architecture",
                Product.architecture()
                        .map(each -> each.label())
                        .orElse(System.getProperty("os.arch", UNKNOWN)));
        facts.put(
                "kernel",
                joined(
                        text(root.resolve("proc/sys/kernel/ostype")),
                        text(root.resolve("proc/sys/kernel/osrelease")),
                        text(root.resolve("proc/sys/kernel/version"))));
        String board = text(root.resolve("proc/device-tree/model"));
        facts.put(
                "machine",
                board.isEmpty()
                        ? joined(
                                text(root.resolve("sys/class/dmi/id/sys_vendor")),
                                text(root.resolve("sys/class/dmi/id/product_name")))
                        : board);
        String release = text(root.resolve("etc/os-release"));
        if (release.isEmpty()) release = text(root.resolve("usr/lib/os-release"));
        for (String line : release.lines().toList()) {
            int equals = line.indexOf('=');
            if (equals < 1 || line.startsWith("#") || facts.size() >= MAX_FACTS) continue;
            facts.put(
                    "os_release." + line.substring(0, equals),
                    unquoted(line.substring(equals + 1)));
        }
        facts.replaceAll((_, value) -> bounded(value));
        return new SystemFacts(facts);
    }

    private static String text(Path file) {
        try (var in = Files.newInputStream(file)) {
            return new String(in.readNBytes(MAX_FILE_BYTES), StandardCharsets.UTF_8)
                    .replace("\0", "")
                    .strip();
        } catch (IOException e) {
            return ""; // Not every system has every file.
        }
    }

    private static String joined(String... parts) {
        String all = String.join(" ", parts).strip();
        return all.isEmpty() ? UNKNOWN : all;
    }

    private static String unquoted(String value) {
        boolean quoted =
                value.length() >= 2
                        && (value.charAt(0) == '"' || value.charAt(0) == '\'')
                        && value.charAt(value.length() - 1) == value.charAt(0);
        return quoted ? value.substring(1, value.length() - 1) : value;
    }

    private static String bounded(String value) {
        String shown = value.replaceAll("\\p{Cntrl}", " ");
        return shown.length() <= MAX_FACT_CHARACTERS
                ? shown
                : shown.substring(0, shown.offsetByCodePoints(0, MAX_FACT_CHARACTERS / 2));
    }

    /** One fingerprint for all of them, the same for equal facts everywhere. */
    public Fingerprint fingerprint() {
        return Fingerprint.of(CanonicalJson.bytes(json()));
    }

    JsonObject json() {
        var members = new TreeMap<String, JsonValue>();
        facts.forEach((name, value) -> members.put(name, new JsonString(value)));
        return new JsonObject(members);
    }

    /** The name of the distribution and its kernel, for a line that people read. */
    public String summary() {
        return facts.getOrDefault("os_release.PRETTY_NAME", UNKNOWN)
                + ", "
                + facts.getOrDefault("kernel", UNKNOWN);
    }

    /** What is not as it was, a line each. */
    List<String> changesSince(SystemFacts before) {
        var lines = new ArrayList<String>();
        var names = new TreeSet<>(before.facts.keySet());
        names.addAll(facts.keySet());
        for (String name : names) {
            String was = shown(before.facts, name);
            String is = shown(facts, name);
            if (!was.equals(is)) lines.add(name + ": " + was + " -> " + is);
        }
        return lines;
    }

    private static String shown(Map<String, String> facts, String name) {
        String value = facts.get(name);
        return value == null ? "none" : '"' + value + '"';
    }
}
