package io.edged.daemon;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Properties;

/** Which build this is, as the build wrote it into the jar. */
public final class Version {
    private static final String RESOURCE = "build.properties";

    private Version() {}

    /** The version, for example {@code 0.1.0}. */
    public static String current() {
        return properties().getProperty("version", "unknown");
    }

    /** When it was built: a clock that says less is wrong. */
    public static Instant built() {
        String built = properties().getProperty("built", "");
        try {
            return Instant.parse(built);
        } catch (DateTimeParseException e) {
            throw new IllegalStateException(RESOURCE + " says that it was built " + built, e);
        }
    }

    private static Properties properties() {
        try (var in = Version.class.getResourceAsStream(RESOURCE)) {
            if (in == null) throw new IllegalStateException("the jar lacks " + RESOURCE);
            var properties = new Properties();
            properties.load(in);
            return properties;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
