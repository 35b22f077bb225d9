package io.edged.drain;

import io.edged.wal.Lanes;

/**
 * A class of data that is delivered, and remembered, on its own.
 *
 * @param name as {@link Lanes.Rule#name}; part of the cursor's name and of the {@code edge-batch}
 *     header
 */
public record Lane(String name) {

    public Lane {
        if (!name.matches(Lanes.NAME_PATTERN))
            throw new IllegalArgumentException(
                    "lane must be 1 to 64 lower-case letters, digits, '-' or '_', was \""
                            + name
                            + "\"");
    }
}
