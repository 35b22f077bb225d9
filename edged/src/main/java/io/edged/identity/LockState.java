package io.edged.identity;

import io.edged.lock.DeviceLock;
import io.edged.lock.Fingerprint;

import java.nio.file.Path;
import java.util.List;

/** What the lock of this device says about it. Only {@link Matching} proves anything. */
public sealed interface LockState {

    /** The lock's file. */
    Path file();

    /** There is no lock, and none is needed. */
    record Absent(Path file) implements LockState {}

    /** Files and configuration are exactly those of the lock. */
    record Matching(Path file, DeviceLock lock, Fingerprint fingerprint) implements LockState {}

    /**
     * The device runs something else.
     *
     * @param stated the fingerprint that the lock has
     * @param differences a line each, at least one
     */
    record Different(Path file, Fingerprint stated, List<String> differences) implements LockState {
        public Different {
            differences = List.copyOf(differences);
        }
    }

    /** The lock's file is there, but is no intact device lock, or it cannot be compared. */
    record Unusable(Path file, String problem) implements LockState {}

    /** A public key is configured, and no valid signature by it covers the lock. */
    record Untrusted(Path file, String problem) implements LockState {}
}
