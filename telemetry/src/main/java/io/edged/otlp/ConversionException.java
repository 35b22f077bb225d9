package io.edged.otlp;

/** Ends a conversion; never leaves the package. */
final class ConversionException extends Exception {

    private static final long serialVersionUID = 1;

    enum Why {
        MALFORMED,
        TOO_LARGE,
        NO_MEMORY
    }

    final Why why;

    private ConversionException(Why why, String message) {
        // Hostile input must not cost a stack trace each time.
        super(message, null, false, false);
        this.why = why;
    }

    static ConversionException malformed(String message) {
        return new ConversionException(Why.MALFORMED, message);
    }

    static ConversionException tooLarge() {
        return new ConversionException(Why.TOO_LARGE, "");
    }

    static ConversionException noMemory() {
        return new ConversionException(Why.NO_MEMORY, "");
    }
}
