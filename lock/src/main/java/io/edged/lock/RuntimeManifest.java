package io.edged.lock;

import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The operating systems that a device may run, by the fingerprints of their facts. It means
 * something only together with a {@link LockSignature}. Immutable; any thread may call.
 *
 * @param systems 1 to {@link #MAX_SYSTEMS}
 */
public record RuntimeManifest(Set<Fingerprint> systems) {

    /** What one document may list. */
    public static final int MAX_SYSTEMS = 10_000;

    private static final List<String> MEMBERS =
            List.of(LockFormat.FORMAT, LockFormat.FORMAT_VERSION, LockFormat.SYSTEMS);

    /** What came of reading a manifest. */
    public sealed interface Reading {

        /** A manifest, of which nothing is known yet but its form. */
        record WellFormed(RuntimeManifest manifest) implements Reading {}

        /**
         * Not a manifest of this version.
         *
         * @param where line and column, or the member
         */
        record Unreadable(String where, String problem) implements Reading {}
    }

    public RuntimeManifest {
        if (systems.isEmpty() || systems.size() > MAX_SYSTEMS)
            throw new IllegalArgumentException(
                    "a manifest lists 1 to " + MAX_SYSTEMS + " systems, was " + systems.size());
        var sorted = new TreeSet<>(Comparator.comparing(Fingerprint::value));
        sorted.addAll(systems);
        systems = Collections.unmodifiableSet(sorted);
    }

    /** The bytes that are signed: RFC 8785. */
    public byte[] canonicalBytes() {
        return CanonicalJson.bytes(document());
    }

    /** The manifest as a file. */
    public byte[] prettyBytes() {
        return CanonicalJson.prettyBytes(document());
    }

    private JsonObject document() {
        return new JsonObject(
                Map.of(
                        LockFormat.FORMAT,
                        new JsonString(LockFormat.MANIFEST),
                        LockFormat.FORMAT_VERSION,
                        new JsonNumber(LockDocument.FORMAT_VERSION),
                        LockFormat.SYSTEMS,
                        new JsonArray(
                                systems.stream()
                                        .<JsonValue>map(each -> new JsonString(each.value()))
                                        .toList())));
    }

    /** Reads a manifest as strictly as {@link LockReader} reads a lock; the order is free. */
    public static Reading read(byte[] utf8) {
        try {
            Members root = Members.root(utf8);
            root.requireText(LockFormat.FORMAT, LockFormat.MANIFEST);
            root.requireFormatVersion();
            root.requireOnly(MEMBERS);
            Set<Fingerprint> systems = root.fingerprints(LockFormat.SYSTEMS);
            return new Reading.WellFormed(root.checked(() -> new RuntimeManifest(systems)));
        } catch (JsonException e) {
            return new Reading.Unreadable(
                    "line " + e.line() + ", column " + e.column(), e.problem());
        } catch (Members.Malformed e) {
            return new Reading.Unreadable(e.where(), e.problem());
        }
    }
}
