package io.edged.lock;

import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.LockReading.Intact;
import io.edged.lock.LockReading.Unreadable;
import io.edged.lock.LockReading.WrongFingerprint;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Reads lock documents strictly: every member is known, there, and of its form. */
public final class LockReader {

    private static final List<String> RELEASE_MEMBERS =
            List.of(
                    LockFormat.FORMAT,
                    LockFormat.FORMAT_VERSION,
                    LockFormat.PRODUCT_VERSION,
                    LockFormat.ARTEFACTS,
                    LockFormat.FINGERPRINT);

    private static final List<String> DEVICE_MEMBERS =
            List.of(
                    LockFormat.FORMAT,
                    LockFormat.FORMAT_VERSION,
                    LockFormat.PRODUCT_VERSION,
                    LockFormat.RELEASE_FINGERPRINT,
                    LockFormat.ARTEFACTS,
                    LockFormat.CONFIGURATION,
                    LockFormat.FINGERPRINT);

    private static final List<String> ARTEFACT_MEMBERS = List.of("fingerprint", "bytes", "mode");

    private LockReader() {}

    /** Reads a release lock or a device lock in any layout. Never throws because of the content. */
    public static LockReading read(byte[] utf8) {
        try {
            return document(Members.root(utf8));
        } catch (JsonException e) {
            return new Unreadable("line " + e.line() + ", column " + e.column(), e.problem());
        } catch (Members.Malformed e) {
            return new Unreadable(e.where(), e.problem());
        }
    }

    private static LockReading document(Members root) throws Members.Malformed {
        String format = root.requireText(LockFormat.FORMAT, LockFormat.RELEASE, LockFormat.DEVICE);
        boolean device = format.equals(LockFormat.DEVICE);
        root.requireFormatVersion();
        root.requireOnly(device ? DEVICE_MEMBERS : RELEASE_MEMBERS);
        Fingerprint stated = root.fingerprint(LockFormat.FINGERPRINT);
        ReleaseLock release = release(root);
        LockDocument lock =
                device ? new DeviceLock(release, root.object(LockFormat.CONFIGURATION)) : release;

        // Over what was read, not over what was understood of it.
        JsonObject content = root.object().without(LockFormat.FINGERPRINT);
        Fingerprint computed = root.checked(() -> Fingerprint.of(CanonicalJson.bytes(content)));
        if (!stated.equals(computed))
            return new WrongFingerprint(LockFormat.FINGERPRINT, stated, computed);
        if (device) {
            Fingerprint of = root.fingerprint(LockFormat.RELEASE_FINGERPRINT);
            if (!of.equals(release.fingerprint()))
                return new WrongFingerprint(
                        LockFormat.RELEASE_FINGERPRINT, of, release.fingerprint());
        }
        return new Intact(lock);
    }

    private static ReleaseLock release(Members root) throws Members.Malformed {
        Members groups = root.members(LockFormat.ARTEFACTS);
        var known = new ArrayList<>(List.of(LockFormat.SHARED));
        for (Architecture each : Architecture.values()) known.add(each.label());
        groups.requireOnly(known);

        Map<String, Artefact> shared = artefacts(groups.members(LockFormat.SHARED));
        var own = new EnumMap<Architecture, Map<String, Artefact>>(Architecture.class);
        for (Architecture each : Architecture.values())
            own.put(each, artefacts(groups.members(each.label())));
        String productVersion = root.text(LockFormat.PRODUCT_VERSION);
        return root.checked(() -> new ReleaseLock(productVersion, shared, own));
    }

    private static Map<String, Artefact> artefacts(Members group) throws Members.Malformed {
        var artefacts = new TreeMap<String, Artefact>();
        for (String path : group.object().members().keySet())
            artefacts.put(path, artefact(group.members(path)));
        return artefacts;
    }

    private static Artefact artefact(Members file) throws Members.Malformed {
        file.requireOnly(ARTEFACT_MEMBERS);
        Fingerprint fingerprint = file.fingerprint("fingerprint");
        long bytes = file.integer("bytes");
        String mode = file.text("mode");
        return file.checked(() -> new Artefact(fingerprint, bytes, mode));
    }
}
