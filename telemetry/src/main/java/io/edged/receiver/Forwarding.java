package io.edged.receiver;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What of a request's header travels with its body: the tenant, and headers that the configuration
 * lists. It stands in the frame's metadata as {@code {"tenant":"…","headers":{"name":"value"}}},
 * always in the same order, so that equals are equal byte by byte; the drain sends the headers
 * upstream and merges only what has the same. Immutable; any thread.
 */
final class Forwarding {

    /** Of one value. All headers of a request are bounded far below what metadata may have. */
    static final int MAX_VALUE_BYTES = 1_024;

    private static final JsonFactory JSON = new JsonFactory();
    private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

    private final ReceiverOptions.Forwarding options;
    private final List<String> names;

    /** What a header says about that. */
    sealed interface Read {}

    /**
     * What is kept of it.
     *
     * @param tenant empty if there is none
     * @param metadata JSON, or nothing; a direct buffer that nobody moves
     */
    record Kept(String tenant, ByteBuffer metadata) implements Read {

        static final Kept NOTHING_KEPT = new Kept("", NOTHING);

        Kept(String tenant, String json) {
            this(tenant, direct(json.getBytes(StandardCharsets.UTF_8)));
        }

        private static ByteBuffer direct(byte[] bytes) {
            return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        }
    }

    /** A header that is listed is not what it must be. */
    record Bad(String reason) implements Read {}

    Forwarding(ReceiverOptions.Forwarding options) {
        this.options = options;
        names = options.allHeaders();
    }

    /**
     * Reads a header.
     *
     * @param values of a name in lower case, all of them
     * @param client who sends it
     */
    Read read(Function<String, List<? extends CharSequence>> values, Client client) {
        boolean ofToken = options.tenantFromToken() && !client.name().isEmpty();
        if (names.isEmpty() && !ofToken) return Kept.NOTHING_KEPT;
        String tenantHeader = options.tenantHeader().orElse("");
        var kept = new LinkedHashMap<String, String>();
        for (String name : names) {
            // What a token says cannot be said otherwise by a header.
            if (ofToken && name.equals(tenantHeader)) {
                kept.put(name, client.name());
                continue;
            }
            List<? extends CharSequence> all = values.apply(name);
            if (all.isEmpty()) continue;
            if (all.size() > 1) return new Bad("the header " + name + " is there twice");
            String value = all.get(0).toString().strip();
            if (!isValue(value))
                return new Bad(
                        "the header "
                                + name
                                + " must be at most "
                                + MAX_VALUE_BYTES
                                + " visible ASCII characters and blanks");
            if (!value.isEmpty()) kept.put(name, value);
        }
        String tenant = ofToken ? client.name() : kept.getOrDefault(tenantHeader, "");
        if (tenant.isEmpty() && kept.isEmpty()) return Kept.NOTHING_KEPT;
        return new Kept(tenant, json(tenant, kept));
    }

    private static String json(String tenant, Map<String, String> headers) {
        var bytes = new ByteArrayOutputStream(256);
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            if (!tenant.isEmpty()) json.writeStringField("tenant", tenant);
            if (!headers.isEmpty()) {
                json.writeObjectFieldStart("headers");
                for (var header : headers.entrySet())
                    json.writeStringField(header.getKey(), header.getValue());
                json.writeEndObject();
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("a byte array cannot fail", e);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static boolean isValue(String value) {
        return value.length() <= MAX_VALUE_BYTES
                && value.chars().allMatch(c -> c >= ' ' && c <= '~');
    }
}
