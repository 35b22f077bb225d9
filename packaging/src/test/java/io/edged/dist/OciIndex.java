package io.edged.dist;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/**
 * An OCI image layout with one image for each architecture and no base image, after the OCI image
 * format specification 1.1: {@code OciIndex VERSION EPOCH OUT (ARCHITECTURE ENTRY_POINT
 * TAR...)...}. TARs are the uncompressed layers, {@code -} ends a list of them; ENTRY_POINT is a
 * file with one argument a line, for there is no shell in the image. Needs no container engine.
 */
final class OciIndex {
    private static final String MEDIA = "application/vnd.oci.image.";

    /** What other documents say of a blob. */
    record Blob(String mediaType, String digest, long bytes) {}

    record Layer(Blob blob, String uncompressedDigest) {}

    private record Platform(String architecture, Blob manifest) {}

    @FunctionalInterface
    private interface Body {
        void write(JsonGenerator json) throws IOException;
    }

    private final Path blobs;
    private final String version;
    private final String created;

    private OciIndex(Path layout, String version, String created) {
        this.blobs = layout.resolve("blobs").resolve("sha256");
        this.version = version;
        this.created = created;
    }

    public static void main(String[] args) throws IOException {
        Path layout = Path.of(args[2]);
        var index =
                new OciIndex(
                        layout, args[0], Instant.ofEpochSecond(Long.parseLong(args[1])).toString());
        Files.createDirectories(index.blobs);
        var platforms = new ArrayList<Platform>();
        for (int next = 3; next < args.length; next++) {
            String architecture = args[next++];
            List<String> entryPoint = Files.readAllLines(Path.of(args[next++]));
            var layers = new ArrayList<Layer>();
            while (next < args.length && !args[next].equals("-"))
                layers.add(index.layer(Path.of(args[next++])));
            platforms.add(
                    new Platform(architecture, index.manifest(architecture, entryPoint, layers)));
        }
        index.write(layout, platforms);
    }

    private Layer layer(Path tar) throws IOException {
        MessageDigest plain = sha256();
        Path packed = Files.createTempFile(blobs, "layer", ".gz");
        try (InputStream in = new DigestInputStream(Files.newInputStream(tar), plain);
                OutputStream out = gzip(Files.newOutputStream(packed))) {
            in.transferTo(out);
        }
        byte[] content = Files.readAllBytes(packed);
        Files.delete(packed);
        return new Layer(
                blob(MEDIA + "layer.v1.tar+gzip", content),
                "sha256:" + HexFormat.of().formatHex(plain.digest()));
    }

    private static OutputStream gzip(OutputStream out) throws IOException {
        return new GZIPOutputStream(out, 1 << 16) {
            {
                def.setLevel(Deflater.BEST_COMPRESSION);
            }
        };
    }

    private Blob manifest(String architecture, List<String> entryPoint, List<Layer> layers)
            throws IOException {
        Blob config =
                blob(
                        MEDIA + "config.v1+json",
                        json(body -> config(body, architecture, entryPoint, layers)));
        return blob(
                MEDIA + "manifest.v1+json",
                json(body -> {
                    body.writeNumberField("schemaVersion", 2);
                    body.writeStringField("mediaType", MEDIA + "manifest.v1+json");
                    body.writeFieldName("config");
                    descriptor(body, config, "");
                    body.writeArrayFieldStart("layers");
                    for (Layer layer : layers) descriptor(body, layer.blob(), "");
                    body.writeEndArray();
                }));
    }

    private void config(
            JsonGenerator json, String architecture, List<String> entryPoint, List<Layer> layers)
            throws IOException {
        json.writeStringField("created", created);
        json.writeStringField("architecture", architecture);
        json.writeStringField("os", "linux");
        json.writeObjectFieldStart("config");
        json.writeStringField("User", "65532:65532");
        array(
                json,
                "Env",
                List.of("LOCPATH=/opt/edged/lib/locale", "LC_ALL=C.UTF-8", "MALLOC_ARENA_MAX=1"));
        array(json, "Entrypoint", entryPoint);
        array(json, "Cmd", List.of("run", "--config", "/etc/edged/edge.toml"));
        json.writeStringField("WorkingDir", "/");
        json.writeObjectFieldStart("Volumes");
        json.writeObjectFieldStart("/var/lib/edged");
        json.writeEndObject();
        json.writeEndObject();
        json.writeStringField("StopSignal", "SIGTERM");
        json.writeObjectFieldStart("Labels");
        json.writeStringField("org.opencontainers.image.title", "edged");
        json.writeStringField("org.opencontainers.image.version", version);
        json.writeStringField("org.opencontainers.image.licenses", "Apache-2.0");
        json.writeEndObject();
        json.writeEndObject();
        json.writeObjectFieldStart("rootfs");
        json.writeStringField("type", "layers");
        array(json, "diff_ids", layers.stream().map(Layer::uncompressedDigest).toList());
        json.writeEndObject();
    }

    private void write(Path layout, List<Platform> platforms) throws IOException {
        Blob index =
                blob(
                        MEDIA + "index.v1+json",
                        json(body -> {
                            body.writeNumberField("schemaVersion", 2);
                            body.writeStringField("mediaType", MEDIA + "index.v1+json");
                            body.writeArrayFieldStart("manifests");
                            for (Platform platform : platforms)
                                descriptor(body, platform.manifest(), platform.architecture());
                            body.writeEndArray();
                        }));
        Files.write(
                layout.resolve("index.json"),
                json(body -> {
                    body.writeNumberField("schemaVersion", 2);
                    body.writeStringField("mediaType", MEDIA + "index.v1+json");
                    body.writeArrayFieldStart("manifests");
                    body.writeStartObject();
                    members(body, index);
                    body.writeObjectFieldStart("annotations");
                    // What podman and containerd call the image that they load.
                    body.writeStringField("org.opencontainers.image.ref.name", "edged:" + version);
                    body.writeStringField(
                            "io.containerd.image.name", "docker.io/library/edged:" + version);
                    body.writeEndObject();
                    body.writeEndObject();
                    body.writeEndArray();
                }));
        Files.write(
                layout.resolve("oci-layout"),
                json(body -> body.writeStringField("imageLayoutVersion", "1.0.0")));
    }

    private Blob blob(String mediaType, byte[] content) throws IOException {
        String digest = HexFormat.of().formatHex(sha256().digest(content));
        Files.write(blobs.resolve(digest), content);
        return new Blob(mediaType, "sha256:" + digest, content.length);
    }

    private static void array(JsonGenerator json, String name, List<String> values)
            throws IOException {
        json.writeArrayFieldStart(name);
        for (String value : values) json.writeString(value);
        json.writeEndArray();
    }

    private static void descriptor(JsonGenerator json, Blob blob, String architecture)
            throws IOException {
        json.writeStartObject();
        members(json, blob);
        if (!architecture.isEmpty()) {
            json.writeObjectFieldStart("platform");
            json.writeStringField("architecture", architecture);
            json.writeStringField("os", "linux");
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private static void members(JsonGenerator json, Blob blob) throws IOException {
        json.writeStringField("mediaType", blob.mediaType());
        json.writeStringField("digest", blob.digest());
        json.writeNumberField("size", blob.bytes());
    }

    private static byte[] json(Body body) {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
            json.writeStartObject();
            body.write(json);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
