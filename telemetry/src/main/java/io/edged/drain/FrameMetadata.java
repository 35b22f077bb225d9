package io.edged.drain;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Reads what admission wrote beside a body. */
final class FrameMetadata {

    private static final JsonFactory JSON = new JsonFactory();

    /** Headers that a request of ours has anyway, with other values. */
    private static final Set<String> OURS =
            Set.of(
                    "content-type",
                    "content-encoding",
                    "accept-encoding",
                    "edge-node",
                    "edge-lock",
                    "edge-epoch",
                    EdgeBatch.HEADER);

    private FrameMetadata() {}

    /**
     * The headers that admission kept for the upstream: string members of the object {@code
     * headers}, as far as HTTP can carry them. Metadata that is no such JSON has none.
     */
    static Map<String, String> headers(String metadata) {
        if (metadata.isEmpty()) return Map.of();
        var headers = new LinkedHashMap<String, String>();
        try (JsonParser parser = JSON.createParser(metadata)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) return Map.of();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean wanted = parser.currentName().equals("headers");
                if (parser.nextToken() == JsonToken.START_OBJECT && wanted) read(parser, headers);
                else parser.skipChildren();
            }
        } catch (IOException e) {
            return Map.of();
        }
        return headers;
    }

    private static void read(JsonParser parser, Map<String, String> headers) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            if (parser.nextToken() != JsonToken.VALUE_STRING) parser.skipChildren();
            else if (allowed(name, parser.getText())) headers.put(name, parser.getText());
        }
    }

    private static boolean allowed(String name, String value) {
        return !OURS.contains(name.toLowerCase(Locale.ROOT))
                && DestinationOptions.isHeaderName(name)
                && DestinationOptions.isHeaderValue(value);
    }
}
