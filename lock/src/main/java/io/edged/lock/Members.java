package io.edged.lock;

import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.util.Comparator;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * Reads the members of one object that may have no others.
 *
 * @param where the object's place in the document, empty for the root
 */
record Members(String where, JsonObject object) {

    /** The document breaks its form at a place. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1;

        private final String where;

        Malformed(String where, String problem) {
            super(problem);
            this.where = where;
        }

        String where() {
            return where.isEmpty() ? "document" : Unicode.printable(where);
        }

        String problem() {
            return String.valueOf(getMessage());
        }
    }

    /** The root object of a text. */
    static Members root(byte[] utf8) throws JsonException, Malformed {
        if (CanonicalJson.parse(utf8) instanceof JsonObject root) return new Members("", root);
        throw new Malformed("", "must be an object");
    }

    /** Fails unless the document says that it is of the version that is understood here. */
    void requireFormatVersion() throws Malformed {
        long version = integer(LockFormat.FORMAT_VERSION);
        if (version != LockDocument.FORMAT_VERSION)
            throw new Malformed(
                    LockFormat.FORMAT_VERSION,
                    "is "
                            + version
                            + "; this program reads "
                            + LockDocument.FORMAT_VERSION
                            + ": use the release of edged that wrote the document");
    }

    void requireOnly(List<String> known) throws Malformed {
        for (String name : object.members().keySet()) {
            if (!known.contains(name))
                throw new Malformed(
                        where,
                        "unknown member \""
                                + Unicode.printable(name)
                                + "\"; the nearest is \""
                                + NearestName.of(name, known)
                                + '"');
        }
    }

    Members members(String name) throws Malformed {
        return new Members(at(name), object(name));
    }

    JsonObject object(String name) throws Malformed {
        if (value(name) instanceof JsonObject found) return found;
        throw new Malformed(at(name), "must be an object");
    }

    String text(String name) throws Malformed {
        if (value(name) instanceof JsonString(String text)) return text;
        throw new Malformed(at(name), "must be a string");
    }

    /** Fails unless the member is one of these texts, which it returns. */
    String requireText(String name, String... allowed) throws Malformed {
        String text = text(name);
        if (List.of(allowed).contains(text)) return text;
        throw new Malformed(
                at(name),
                "must be \""
                        + String.join("\" or \"", allowed)
                        + "\", was \""
                        + Unicode.printable(text)
                        + '"');
    }

    Fingerprint fingerprint(String name) throws Malformed {
        String text = text(name);
        return checked(at(name), () -> new Fingerprint(text));
    }

    /** The fingerprints of a list that has each of them once. */
    SortedSet<Fingerprint> fingerprints(String name) throws Malformed {
        if (!(value(name) instanceof JsonArray(List<JsonValue> values)))
            throw new Malformed(at(name), "must be an array");
        var found = new TreeSet<Fingerprint>(Comparator.comparing(Fingerprint::value));
        for (int i = 0; i < values.size(); i++) {
            String where = at(name) + '[' + i + ']';
            if (!(values.get(i) instanceof JsonString(String text)))
                throw new Malformed(where, "must be a string");
            if (!found.add(checked(where, () -> new Fingerprint(text))))
                throw new Malformed(where, "is there twice");
        }
        return found;
    }

    /** What a record refuses is reported at this object. */
    <T> T checked(Supplier<T> make) throws Malformed {
        return checked(where, make);
    }

    private static <T> T checked(String where, Supplier<T> make) throws Malformed {
        try {
            return make.get();
        } catch (IllegalArgumentException e) {
            throw new Malformed(where, String.valueOf(e.getMessage()));
        }
    }

    long integer(String name) throws Malformed {
        if (value(name) instanceof JsonNumber(double number)
                && number == Math.rint(number)
                && Math.abs(number) <= Artefact.MAX_BYTES) return (long) number;
        throw new Malformed(at(name), "must be an integer");
    }

    private JsonValue value(String name) throws Malformed {
        JsonValue value = object.members().get(name);
        if (value == null) throw new Malformed(where, "member \"" + name + "\" is missing");
        return value;
    }

    private String at(String name) {
        return ConfigurationKeys.join(where, name);
    }
}
