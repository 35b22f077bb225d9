package io.edged.wal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import java.io.IOException;
import java.nio.ByteBuffer;

/** The kind of an event, which decides about its lane: its top-level string member of that name. */
final class EventKind {

    /** A longer one is as good as none. */
    static final int MAX_LENGTH = 64;

    private static final JsonFactory JSON = new JsonFactory();

    private EventKind() {}

    /** The kind, or nothing if the event has none. */
    static String of(byte[] event, int offset, int length) {
        try (JsonParser parser = JSON.createParser(event, offset, length)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) return "";
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean wanted = parser.currentName().equals("kind");
                JsonToken value = parser.nextToken();
                if (wanted) {
                    String kind = value == JsonToken.VALUE_STRING ? parser.getText() : "";
                    return kind.length() <= MAX_LENGTH ? kind : "";
                }
                parser.skipChildren();
            }
        } catch (IOException e) {
            // The door checks events; one that cannot be read here has no kind here or elsewhere.
            return "";
        }
        return "";
    }

    /** The same of an event between position and limit, which stay. */
    static String of(ByteBuffer event) {
        byte[] bytes = new byte[event.remaining()];
        event.duplicate().get(bytes);
        return of(bytes, 0, bytes.length);
    }
}
