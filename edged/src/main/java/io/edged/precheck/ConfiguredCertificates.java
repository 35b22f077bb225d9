package io.edged.precheck;

import io.edged.lock.JsonValue;
import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds the certificates of a configuration by the names of its keys, in whatever table they stand,
 * so that no table with TLS is forgotten here: {@code cert_file}, {@code key_file} and {@code
 * ca_file}, also with {@code tls_} and more in front, such as {@code tls_client_ca_file}.
 */
public final class ConfiguredCertificates {

    private final Path directory;
    private final List<CertificateFiles> found = new ArrayList<>();

    private ConfiguredCertificates(Path directory) {
        this.directory = directory;
    }

    /**
     * Every table with at least one of these keys.
     *
     * @param configuration in effect, paths as they are written
     * @param file of the configuration: relative paths start at its directory
     */
    public static List<CertificateFiles> in(JsonObject configuration, Path file) {
        Path parent = file.toAbsolutePath().getParent();
        var search = new ConfiguredCertificates(parent == null ? Path.of("/") : parent);
        search.look("", configuration);
        return List.copyOf(search.found);
    }

    private void look(String name, JsonValue value) {
        switch (value) {
            case JsonObject table -> {
                var files =
                        new CertificateFiles(
                                name,
                                path(table, "cert_file"),
                                path(table, "key_file"),
                                path(table, "ca_file"));
                if (files.certificate().isPresent()
                        || files.key().isPresent()
                        || files.authorities().isPresent()) found.add(files);
                table.members()
                        .forEach((key, inner) ->
                                look(name.isEmpty() ? key : name + '.' + key, inner));
            }
            case JsonArray array -> {
                for (int i = 0; i < array.values().size(); i++)
                    look(name + '[' + i + ']', array.values().get(i));
            }
            default -> {}
        }
    }

    /** The file that a key of this table names. */
    private Optional<Path> path(JsonObject table, String ending) {
        for (var member : table.members().entrySet()) {
            String key = member.getKey();
            boolean named =
                    key.equals(ending) || (key.startsWith("tls_") && key.endsWith('_' + ending));
            if (named && member.getValue() instanceof JsonString(String text) && !text.isEmpty())
                return Optional.of(directory.resolve(text));
        }
        return Optional.empty();
    }
}
