package io.edged.lock;

import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.util.List;
import java.util.Map;

/**
 * What a device runs: a release and the configuration that is in effect. Devices that behave alike
 * have the same fingerprint, so whatever differs between them without changing behaviour stays out.
 *
 * @param configuration every key with its value, defaults applied; without the node's id and
 *     without secrets, which appear by reference only (the path of a file, the name of a variable).
 *     Whoever makes it answers for that.
 */
public record DeviceLock(ReleaseLock release, JsonObject configuration) implements LockDocument {

    @Override
    public JsonObject content() {
        return new JsonObject(
                Map.of(
                        LockFormat.FORMAT,
                        new JsonString(LockFormat.DEVICE),
                        LockFormat.FORMAT_VERSION,
                        new JsonNumber(FORMAT_VERSION),
                        LockFormat.PRODUCT_VERSION,
                        new JsonString(release.productVersion()),
                        LockFormat.RELEASE_FINGERPRINT,
                        new JsonString(release.fingerprint().value()),
                        LockFormat.ARTEFACTS,
                        release.artefacts(),
                        LockFormat.CONFIGURATION,
                        configuration));
    }

    /** A line for each key with its value, in the order of the keys: {@code wal.on = true}. */
    public List<String> configurationLines() {
        return ConfigurationKeys.leaves(configuration).entrySet().stream()
                .map(leaf ->
                        Unicode.printable(leaf.getKey()) + " = " + LockWords.value(leaf.getValue()))
                .toList();
    }
}
