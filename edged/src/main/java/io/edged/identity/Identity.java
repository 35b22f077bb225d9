package io.edged.identity;

import io.edged.daemon.Version;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What the daemon says of itself: which device it is, what it runs and on which system.
 *
 * @param node the device's name
 * @param lock what its lock says
 * @param epoch of the system below; empty before the first precheck
 */
public record Identity(String node, LockState lock, Optional<Epoch> epoch) {

    /** The fingerprint if it is proven, else {@code mismatch} or {@code none}. */
    public String lockWord() {
        return switch (lock) {
            case LockState.Matching matching -> matching.fingerprint().value();
            case LockState.Absent _ -> "none";
            case LockState.Different _, LockState.Unusable _, LockState.Untrusted _ -> "mismatch";
        };
    }

    /** {@code matching}, {@code mismatch} or {@code none}. */
    public String lockState() {
        return lock instanceof LockState.Matching ? "matching" : lockWord();
    }

    /** The number of the epoch, or {@code unknown}. */
    public String epochWord() {
        return epoch.map(each -> Long.toString(each.number())).orElse("unknown");
    }

    /** Headers of every request upstream. */
    public Map<String, String> headers() {
        var headers = new LinkedHashMap<String, String>();
        headers.put("edge-node", node);
        headers.put("edge-lock", lockWord());
        headers.put("edge-epoch", epochWord());
        return headers;
    }

    /** Attributes of the resource of what the daemon itself emits. */
    public Map<String, String> resource() {
        var attributes = new LinkedHashMap<String, String>();
        attributes.put("edge.node", node);
        attributes.put("edge.lock.fingerprint", lockWord());
        attributes.put("edge.epoch", epochWord());
        attributes.put("edge.boot_id", BootId.current());
        attributes.put("service.version", Version.current());
        return attributes;
    }
}
