package io.edged.packaging;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The project's one formatter: google-java-format, four spaces. {@code make format} writes, the
 * test compares.
 */
final class SourceFormat {
    private SourceFormat() {}

    static List<Path> sources(Path root) throws IOException {
        var sources = new ArrayList<Path>();
        for (String module : List.of("config", "lock", "telemetry", "edged", "packaging")) {
            try (var files = Files.walk(root.resolve(module).resolve("src"))) {
                files.filter(file -> file.toString().endsWith(".java"))
                        .sorted()
                        .forEach(sources::add);
            }
        }
        return sources;
    }

    static String formatted(Path file) throws IOException {
        var options = JavaFormatterOptions.builder().style(JavaFormatterOptions.Style.AOSP).build();
        try {
            String source = RemoveUnusedImports.removeUnusedImports(Files.readString(file));
            return new Formatter(options)
                    .formatSource(
                            ImportOrderer.reorderImports(source, JavaFormatterOptions.Style.AOSP));
        } catch (FormatterException e) {
            throw new IOException(file + ": " + e.getMessage(), e);
        }
    }

    /** Rewrites every source of the project whose root is the only argument. */
    public static void main(String[] args) throws IOException {
        for (Path file : sources(Path.of(args[0]))) {
            String wanted = formatted(file);
            if (!wanted.equals(Files.readString(file))) {
                Files.writeString(file, wanted);
                System.out.println("formatted " + file);
            }
        }
    }
}
