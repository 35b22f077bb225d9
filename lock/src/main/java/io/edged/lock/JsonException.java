package io.edged.lock;

/** A text is not the strict JSON that can be made canonical. Says where and why. */
public final class JsonException extends Exception {
    private static final long serialVersionUID = 1;

    private final int line;
    private final int column;
    private final String problem;

    JsonException(int line, int column, String problem) {
        super("line " + line + ", column " + column + ": " + problem);
        this.line = line;
        this.column = column;
        this.problem = problem;
    }

    /** Line of the text, from 1. */
    public int line() {
        return line;
    }

    /** Column in UTF-16 code units, from 1. */
    public int column() {
        return column;
    }

    /** What is wrong there, without the position. */
    public String problem() {
        return problem;
    }
}
