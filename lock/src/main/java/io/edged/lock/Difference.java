package io.edged.lock;

/**
 * One thing that is not as the lock has it. Each names its file or its configuration key, and tells
 * an operator in one printable line.
 */
public sealed interface Difference {

    /** The path of the file, or the key of the configuration. */
    String subject();

    /** What is different, in one line. */
    String line();

    /** The lock lists the file; it is not there. */
    record FileMissing(String subject, Artefact expected) implements Difference {
        @Override
        public String line() {
            return "file is missing: " + Unicode.printable(subject);
        }
    }

    /** The file is there; the lock does not list it. */
    record FileUnexpected(String subject, Artefact found) implements Difference {
        @Override
        public String line() {
            return "file is not in the lock: " + Unicode.printable(subject);
        }
    }

    /** The file has other content. */
    record ContentChanged(String subject, Artefact expected, Artefact found) implements Difference {
        @Override
        public String line() {
            return "file has other content: "
                    + Unicode.printable(subject)
                    + ": expected "
                    + LockWords.content(expected)
                    + ", found "
                    + LockWords.content(found);
        }
    }

    /** The file has other permissions. */
    record ModeChanged(String subject, String expected, String found) implements Difference {
        @Override
        public String line() {
            return "file has another mode: "
                    + Unicode.printable(subject)
                    + ": expected "
                    + expected
                    + ", found "
                    + found;
        }
    }

    /** The lock has the key; the configuration in effect does not. */
    record KeyMissing(String subject, JsonValue expected) implements Difference {
        @Override
        public String line() {
            return "configuration key is missing: "
                    + Unicode.printable(subject)
                    + ": expected "
                    + LockWords.value(expected);
        }
    }

    /** The configuration in effect has the key; the lock does not. */
    record KeyUnexpected(String subject, JsonValue found) implements Difference {
        @Override
        public String line() {
            return "configuration key is not in the lock: "
                    + Unicode.printable(subject)
                    + ": found "
                    + LockWords.value(found);
        }
    }

    /** The key has another value. */
    record ValueChanged(String subject, JsonValue expected, JsonValue found) implements Difference {
        @Override
        public String line() {
            return "configuration has another value: "
                    + Unicode.printable(subject)
                    + ": expected "
                    + LockWords.value(expected)
                    + ", found "
                    + LockWords.value(found);
        }
    }
}
