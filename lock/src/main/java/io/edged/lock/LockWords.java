package io.edged.lock;

/** How lines for operators show what stands in a lock. */
final class LockWords {

    private LockWords() {}

    static String content(Artefact artefact) {
        return artefact.bytes() + " bytes " + artefact.fingerprint().brief();
    }

    static String value(JsonValue value) {
        return Unicode.printable(JsonWriter.canonical(value));
    }

    /** One line of the difference between two locks, where nothing is expected or found. */
    static String change(Difference difference, String machines) {
        String subject = Unicode.printable(difference.subject());
        return switch (difference) {
            case Difference.FileMissing _ -> "file removed on " + machines + ": " + subject;
            case Difference.FileUnexpected(_, Artefact added) ->
                    "file added on "
                            + machines
                            + ": "
                            + subject
                            + ": "
                            + content(added)
                            + ", mode "
                            + added.mode();
            case Difference.ContentChanged(_, Artefact before, Artefact after) ->
                    "file changed on "
                            + machines
                            + ": "
                            + subject
                            + ": "
                            + content(before)
                            + " -> "
                            + content(after);
            case Difference.ModeChanged(_, String before, String after) ->
                    "mode changed on " + machines + ": " + subject + ": " + before + " -> " + after;
            case Difference.KeyMissing(_, JsonValue before) ->
                    "configuration removed: " + subject + ": was " + value(before);
            case Difference.KeyUnexpected(_, JsonValue after) ->
                    "configuration added: " + subject + ": " + value(after);
            case Difference.ValueChanged(_, JsonValue before, JsonValue after) ->
                    "configuration changed: "
                            + subject
                            + ": "
                            + value(before)
                            + " -> "
                            + value(after);
        };
    }
}
