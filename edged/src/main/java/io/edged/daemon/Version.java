package io.edged.daemon;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;

/** Which build this is, as the build wrote it into the jar. */
public final class Version {
    private static final String RESOURCE = "build.properties";

    private Version() {}

    /** The version, for example {@code 0.1.0}. */
    public static String current() {
        try (var in = Version.class.getResourceAsStream(RESOURCE)) {
            if (in == null) throw new IllegalStateException("the jar lacks " + RESOURCE);
            var properties = new Properties();
            properties.load(in);
            return properties.getProperty("version", "unknown");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
