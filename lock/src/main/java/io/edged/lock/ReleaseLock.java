package io.edged.lock;

import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The files of one release for all architectures. It ships with each of them, so that one
 * fingerprint names the release everywhere.
 *
 * @param productVersion up to 64 of the characters that Debian allows in a version
 * @param shared files that are the same on every architecture (application jars, unit files), by
 *     path
 * @param byArchitecture files of one architecture (the runtime image), by path; every architecture
 *     is there, and has at least one file of its own or shared
 */
public record ReleaseLock(
        String productVersion,
        Map<String, Artefact> shared,
        Map<Architecture, Map<String, Artefact>> byArchitecture)
        implements LockDocument {

    private static final Pattern VERSION = Pattern.compile("[0-9A-Za-z.+~-]{1,64}");
    private static final int MAX_PATH_CHARACTERS = 1_024;

    public ReleaseLock {
        if (!VERSION.matcher(productVersion).matches())
            throw new IllegalArgumentException(
                    "product version must be 1 to 64 letters, digits or .+~-, was \""
                            + Unicode.printable(productVersion)
                            + '"');
        shared = sorted(shared);
        var architectures = new EnumMap<Architecture, Map<String, Artefact>>(Architecture.class);
        for (Architecture architecture : Architecture.values()) {
            Map<String, Artefact> own = byArchitecture.get(architecture);
            if (own == null)
                throw new IllegalArgumentException(
                        "no artefacts of " + architecture.label() + ": a release lists them all");
            architectures.put(architecture, sorted(own));
            requireFiles(architecture, shared, own);
        }
        byArchitecture = Collections.unmodifiableMap(architectures);
    }

    /**
     * The release whose machines have these files: what is the same at the same path on every
     * architecture is shared.
     *
     * @param files by path, for every architecture
     */
    public static ReleaseLock of(
            String productVersion, Map<Architecture, Map<String, Artefact>> files) {
        var shared = new TreeMap<>(files.getOrDefault(Architecture.AMD64, Map.of()));
        for (Architecture each : Architecture.values())
            shared.entrySet().retainAll(files.getOrDefault(each, Map.of()).entrySet());
        var own = new EnumMap<Architecture, Map<String, Artefact>>(Architecture.class);
        files.forEach((architecture, all) -> {
            var rest = new TreeMap<>(all);
            rest.keySet().removeAll(shared.keySet());
            own.put(architecture, rest);
        });
        return new ReleaseLock(productVersion, shared, own);
    }

    private static Map<String, Artefact> sorted(Map<String, Artefact> artefacts) {
        artefacts.keySet().forEach(ReleaseLock::requirePath);
        return Collections.unmodifiableSortedMap(new TreeMap<>(Map.copyOf(artefacts)));
    }

    private static void requireFiles(
            Architecture architecture, Map<String, Artefact> shared, Map<String, Artefact> own) {
        if (shared.isEmpty() && own.isEmpty())
            throw new IllegalArgumentException("no artefact for " + architecture.label());
        for (String path : own.keySet()) {
            if (shared.containsKey(path))
                throw new IllegalArgumentException(
                        "\"" + path + "\" is both shared and of " + architecture.label());
        }
    }

    /** A path that leaves its root, or has two spellings, must not get into a lock. */
    private static void requirePath(String path) {
        boolean plain =
                !path.isEmpty()
                        && path.length() <= MAX_PATH_CHARACTERS
                        && path.indexOf('\\') < 0
                        && Unicode.loneSurrogate(path) < 0
                        && path.codePoints().noneMatch(Character::isISOControl)
                        && List.of(path.split("/", -1)).stream()
                                .noneMatch(part ->
                                        part.isEmpty() || part.equals(".") || part.equals(".."));
        if (!plain)
            throw new IllegalArgumentException(
                    "\""
                            + Unicode.printable(path)
                            + "\" is not a path below the root: names with / between them, none"
                            + " empty, . or .., without \\ and control characters, at most "
                            + MAX_PATH_CHARACTERS
                            + " characters");
    }

    /** Every file that one machine has, by path. */
    public Map<String, Artefact> artefacts(Architecture architecture) {
        var all = new TreeMap<>(shared);
        all.putAll(byArchitecture.getOrDefault(architecture, Map.of()));
        return Collections.unmodifiableSortedMap(all);
    }

    @Override
    public JsonObject content() {
        return new JsonObject(
                Map.of(
                        LockFormat.FORMAT, new JsonString(LockFormat.RELEASE),
                        LockFormat.FORMAT_VERSION, new JsonNumber(FORMAT_VERSION),
                        LockFormat.PRODUCT_VERSION, new JsonString(productVersion),
                        LockFormat.ARTEFACTS, artefacts()));
    }

    JsonObject artefacts() {
        var groups = new TreeMap<String, JsonValue>();
        groups.put(LockFormat.SHARED, files(shared));
        byArchitecture.forEach((architecture, own) -> groups.put(architecture.label(), files(own)));
        return new JsonObject(groups);
    }

    private static JsonObject files(Map<String, Artefact> artefacts) {
        var files = new TreeMap<String, JsonValue>();
        artefacts.forEach((path, artefact) ->
                files.put(
                        path,
                        new JsonObject(
                                Map.of(
                                        "fingerprint",
                                        new JsonString(artefact.fingerprint().value()),
                                        "bytes",
                                        JsonNumber.of(artefact.bytes()),
                                        "mode",
                                        new JsonString(artefact.mode())))));
        return new JsonObject(files);
    }
}
