package io.edged.lock;

import io.edged.lock.Difference.ContentChanged;
import io.edged.lock.Difference.FileMissing;
import io.edged.lock.Difference.FileUnexpected;
import io.edged.lock.Difference.KeyMissing;
import io.edged.lock.Difference.KeyUnexpected;
import io.edged.lock.Difference.ModeChanged;
import io.edged.lock.Difference.ValueChanged;
import io.edged.lock.JsonValue.JsonObject;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;

/** Compares a lock with what a machine has, or with another lock. Pure; any thread may call. */
public final class LockComparison {

    private LockComparison() {}

    /**
     * Compares a release with the files of one machine.
     *
     * @param found every file below the root that belongs to the product, by its path from there
     * @return what differs, by path; empty when nothing does
     */
    public static List<Difference> verify(
            ReleaseLock expected, Architecture architecture, Map<String, Artefact> found) {
        return files(expected.artefacts(architecture), found);
    }

    /**
     * Compares a device lock with the files of one machine and the configuration in effect.
     *
     * @param found every file below the root that belongs to the product, by its path from there
     * @param configuration made in the same way as the one in the lock
     * @return what differs, files by path and then keys; empty when nothing does
     */
    public static List<Difference> verify(
            DeviceLock expected,
            Architecture architecture,
            Map<String, Artefact> found,
            JsonObject configuration) {
        var differences = new ArrayList<>(verify(expected.release(), architecture, found));
        differences.addAll(values(expected.configuration(), configuration));
        return List.copyOf(differences);
    }

    /**
     * What changed from one lock to the other, a line each; empty exactly when their fingerprints
     * are equal.
     */
    public static List<String> diff(LockDocument before, LockDocument after) {
        var lines = new ArrayList<String>();
        if (!kind(before).equals(kind(after)))
            lines.add("kind of lock: " + kind(before) + " -> " + kind(after));
        releases(release(before), release(after), lines);
        if (before instanceof DeviceLock old && after instanceof DeviceLock now) {
            values(old.configuration(), now.configuration())
                    .forEach(difference -> lines.add(LockWords.change(difference, "")));
        }
        return List.copyOf(lines);
    }

    private static void releases(ReleaseLock before, ReleaseLock after, List<String> lines) {
        if (!before.productVersion().equals(after.productVersion()))
            lines.add(
                    "product version: "
                            + before.productVersion()
                            + " -> "
                            + after.productVersion());
        files(before.shared(), after.shared())
                .forEach(each -> lines.add(LockWords.change(each, "every architecture")));
        for (Architecture architecture : Architecture.values()) {
            files(own(before, architecture), own(after, architecture))
                    .forEach(each -> lines.add(LockWords.change(each, architecture.label())));
        }
    }

    private static Map<String, Artefact> own(ReleaseLock lock, Architecture architecture) {
        return lock.byArchitecture().getOrDefault(architecture, Map.of());
    }

    private static String kind(LockDocument lock) {
        return switch (lock) {
            case ReleaseLock _ -> "release";
            case DeviceLock _ -> "device";
        };
    }

    private static ReleaseLock release(LockDocument lock) {
        return switch (lock) {
            case ReleaseLock release -> release;
            case DeviceLock device -> device.release();
        };
    }

    private static List<Difference> files(
            Map<String, Artefact> expected, Map<String, Artefact> found) {
        var differences = new ArrayList<Difference>();
        for (String path : names(expected, found)) {
            Artefact wanted = expected.get(path);
            Artefact seen = found.get(path);
            if (seen == null && wanted != null) {
                differences.add(new FileMissing(path, wanted));
            } else if (wanted == null && seen != null) {
                differences.add(new FileUnexpected(path, seen));
            } else if (wanted != null && seen != null) {
                if (!wanted.fingerprint().equals(seen.fingerprint())
                        || wanted.bytes() != seen.bytes())
                    differences.add(new ContentChanged(path, wanted, seen));
                if (!wanted.mode().equals(seen.mode()))
                    differences.add(new ModeChanged(path, wanted.mode(), seen.mode()));
            }
        }
        return differences;
    }

    private static List<Difference> values(JsonObject expected, JsonObject found) {
        SortedMap<String, JsonValue> expectedLeaves = ConfigurationKeys.leaves(expected);
        SortedMap<String, JsonValue> foundLeaves = ConfigurationKeys.leaves(found);
        var differences = new ArrayList<Difference>();
        for (String key : names(expectedLeaves, foundLeaves)) {
            JsonValue wanted = expectedLeaves.get(key);
            JsonValue seen = foundLeaves.get(key);
            if (seen == null && wanted != null) {
                differences.add(new KeyMissing(key, wanted));
            } else if (wanted == null && seen != null) {
                differences.add(new KeyUnexpected(key, seen));
            } else if (wanted != null && seen != null && !wanted.equals(seen)) {
                differences.add(new ValueChanged(key, wanted, seen));
            }
        }
        return differences;
    }

    private static SortedSet<String> names(Map<String, ?> one, Map<String, ?> other) {
        var names = new TreeSet<>(one.keySet());
        names.addAll(other.keySet());
        return names;
    }
}
