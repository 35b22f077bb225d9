package io.edged.dist;

import io.edged.lock.Architecture;
import io.edged.lock.Artefact;
import io.edged.lock.Fingerprint;
import io.edged.lock.ReleaseLock;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes the lock of a release into the images of its three architectures: {@code ReleaseLockWriter
 * VERSION AMD64 ARM64 RISCV64}, the last three being directories. The lock lists every file but
 * itself.
 */
final class ReleaseLockWriter {
    static final String NAME = "edge.lock.json";

    private ReleaseLockWriter() {}

    public static void main(String[] args) throws IOException {
        var images = new EnumMap<Architecture, Path>(Architecture.class);
        int next = 1;
        for (Architecture architecture : Architecture.values())
            images.put(architecture, Path.of(args[next++]));
        ReleaseLock lock = lock(args[0], images);
        for (Path image : images.values()) Files.write(image.resolve(NAME), lock.prettyBytes());
        System.err.println("dist: release lock " + lock.fingerprint());
    }

    static ReleaseLock lock(String version, Map<Architecture, Path> images) throws IOException {
        var own = new EnumMap<Architecture, Map<String, Artefact>>(Architecture.class);
        for (Map.Entry<Architecture, Path> image : images.entrySet())
            own.put(image.getKey(), artefacts(image.getValue()));
        var shared = new TreeMap<String, Artefact>();
        for (Map<String, Artefact> one : own.values())
            one.forEach((path, artefact) -> {
                if (own.values().stream().allMatch(each -> artefact.equals(each.get(path))))
                    shared.put(path, artefact);
            });
        own.values().forEach(each -> each.keySet().removeAll(shared.keySet()));
        return new ReleaseLock(version, shared, own);
    }

    private static Map<String, Artefact> artefacts(Path image) throws IOException {
        var artefacts = new TreeMap<String, Artefact>();
        try (var walk = Files.walk(image)) {
            for (Path file : walk.filter(Files::isRegularFile).toList()) {
                String path = image.relativize(file).toString();
                if (!path.equals(NAME)) artefacts.put(path, artefact(file));
            }
        }
        return artefacts;
    }

    private static Artefact artefact(Path file) throws IOException {
        // The largest file of an image is its runtime of 30 MB.
        byte[] content = Files.readAllBytes(file);
        return new Artefact(Fingerprint.of(content), content.length, mode(file));
    }

    /** The build gives every file one of these two. */
    private static String mode(Path file) {
        return Files.isExecutable(file) ? "0755" : "0644";
    }
}
