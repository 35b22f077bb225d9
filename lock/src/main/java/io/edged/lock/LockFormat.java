package io.edged.lock;

/** The names in the documents. Each is written once; {@code docs/lock.md} explains them. */
final class LockFormat {

    static final String RELEASE = "edged-release-lock";
    static final String DEVICE = "edged-device-lock";
    static final String SIGNATURE = "edged-lock-signature";
    static final String MANIFEST = "edged-runtime-manifest";

    static final String FORMAT = "format";
    static final String FORMAT_VERSION = "format_version";
    static final String FINGERPRINT = "behavioral_fingerprint";

    static final String PRODUCT_VERSION = "product_version";
    static final String ARTEFACTS = "artefacts";
    static final String SHARED = "shared";

    static final String RELEASE_FINGERPRINT = "release_fingerprint";
    static final String CONFIGURATION = "configuration";

    static final String SYSTEMS = "systems";

    static final String ALGORITHM = "algorithm";
    static final String KEY = "key_fingerprint";
    static final String SIGNATURE_BYTES = "signature";

    private LockFormat() {}
}
