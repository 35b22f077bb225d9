package io.edged.config;

import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads a table of request headers. Every value counts as a secret. */
final class Headers {

    static final int MAX_COUNT = 32;
    private static final int MAX_VALUE_CHARS = 4_096;

    /** A token of RFC 9110, section 5.6.2. */
    private static final Pattern NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}");

    /** Visible ASCII with single blanks or tabs inside: RFC 9110, section 5.5, without obs-text. */
    private static final Pattern VALUE =
            Pattern.compile("[\\x21-\\x7e]([\\t\\x20-\\x7e]*[\\x21-\\x7e])?");

    /** What the sender writes itself: a second one would change how a request is framed or read. */
    private static final Set<String> RESERVED =
            Set.of(
                    "accept-encoding",
                    "connection",
                    "content-encoding",
                    "content-length",
                    "content-type",
                    "edge-batch",
                    "edge-epoch",
                    "edge-lock",
                    "edge-node",
                    "expect",
                    "host",
                    "keep-alive",
                    "te",
                    "trailer",
                    "transfer-encoding",
                    "upgrade",
                    "user-agent");

    /** Of a request that comes in, what must not be stored and sent on: credentials. */
    private static final Set<String> CREDENTIALS =
            Set.of("authorization", "cookie", "proxy-authorization");

    private Headers() {}

    /** Whether a header, in lower case, must not travel from a client to the upstream. */
    static boolean isPrivate(String name) {
        return RESERVED.contains(name) || CREDENTIALS.contains(name);
    }

    /** In the order of the file, under lower-case names. */
    static Map<String, Secret> read(Section section, Key<Map<String, Secret>> key) {
        section.get(key);
        var headers = new LinkedHashMap<String, Secret>();
        var names = new HashSet<String>();
        for (var entry : section.entries(key).entrySet()) {
            String name = entry.getKey();
            String lower = name.toLowerCase(Locale.ROOT);
            if (!NAME.matcher(name).matches())
                section.refuseEntry(
                        key, name, "is no name of a header", "use letters, digits and -");
            else if (RESERVED.contains(lower))
                section.refuseEntry(key, name, "is set by edged itself", "remove it");
            else if (!names.add(lower))
                section.refuseEntry(
                        key, name, "is there twice, capitals aside", "keep one of the two");
            else if (entry.getValue() instanceof String text && isValue(text))
                headers.put(lower, new Secret(text));
            else
                section.refuseEntry(
                        key,
                        name,
                        "must be a string of 1 to "
                                + MAX_VALUE_CHARS
                                + " visible ASCII characters (the value is not shown here)",
                        "for example " + Rendering.keyPart(name) + " = \"value\"");
        }
        return Collections.unmodifiableMap(headers);
    }

    private static boolean isValue(String text) {
        return text.length() <= MAX_VALUE_CHARS && VALUE.matcher(text).matches();
    }
}
