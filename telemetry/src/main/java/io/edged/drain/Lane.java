package io.edged.drain;

/**
 * A class of data that is delivered, and remembered, on its own.
 *
 * @param name lower-case letters, digits, {@code -} and {@code _}, at most {@link
 *     #MAX_NAME_LENGTH}; part of the cursor's name and of the {@code edge-batch} header
 */
public record Lane(String name) {

    public static final int MAX_NAME_LENGTH = 64;

    /** The only lane where the configuration names none. */
    public static final Lane ALL = new Lane("all");

    public Lane {
        if (name.length() > MAX_NAME_LENGTH || !name.matches("[a-z0-9_-]+"))
            throw new IllegalArgumentException(
                    "lane must be 1 to "
                            + MAX_NAME_LENGTH
                            + " lower-case letters, digits, '-' or '_', was \""
                            + name
                            + "\"");
    }
}
