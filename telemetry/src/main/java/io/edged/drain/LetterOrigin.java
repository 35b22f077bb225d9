package io.edged.drain;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Where a dead letter comes from and why it is one; the member {@code of} of its metadata.
 *
 * @param log id of the log that held it, 16 hex digits
 * @param seq of the frame that held it
 * @param first its first item in that frame, from 0
 * @param last its last item in that frame
 * @param destination that refused it
 * @param lane in which it travelled
 * @param status of the refusal, for example 400 or INVALID_ARGUMENT
 * @param message the destination's words, cut; may be empty, and may quote data
 * @param at when it was refused, RFC 3339
 */
record LetterOrigin(
        String log,
        long seq,
        int first,
        int last,
        String destination,
        String lane,
        String status,
        String message,
        String at) {

    private static final JsonFactory JSON = new JsonFactory();

    /** What the metadata of a frame may take in the log. */
    private static final int MAX_METADATA_BYTES = 64 << 10;

    /** The same item refused by the same destination: written once. */
    String key() {
        return destination + "/" + log + "/" + seq + "[" + first + "-" + last + "]";
    }

    /**
     * The frame's metadata with this added. Metadata that would grow beyond what a frame may carry
     * is left out, tenant and forwarded headers with it.
     *
     * @param before JSON as written at admission, or empty
     */
    String addTo(String before) {
        String added = "\"of\":" + json();
        int brace = before.lastIndexOf('}');
        boolean empty = brace < 0 || before.substring(0, brace).strip().equals("{");
        String both = empty ? "{" + added + "}" : before.substring(0, brace) + "," + added + "}";
        return both.getBytes(StandardCharsets.UTF_8).length <= MAX_METADATA_BYTES
                ? both
                : "{" + added + "}";
    }

    private String json() {
        var text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            write(json);
        } catch (IOException e) {
            throw new IllegalStateException("writing JSON to memory", e);
        }
        return text.toString();
    }

    /** Writes it as an object. */
    void write(JsonGenerator json) throws IOException {
        json.writeStartObject();
        json.writeStringField("log", log);
        json.writeNumberField("seq", seq);
        json.writeArrayFieldStart("items");
        json.writeNumber(first);
        json.writeNumber(last);
        json.writeEndArray();
        json.writeStringField("destination", destination);
        json.writeStringField("lane", lane);
        json.writeStringField("status", status);
        json.writeStringField("message", message);
        json.writeStringField("at", at);
        json.writeEndObject();
    }

    /** Reads it out of a letter's metadata; empty if there is none. */
    static Optional<LetterOrigin> of(String metadata) {
        try (JsonParser json = JSON.createParser(metadata)) {
            if (json.nextToken() != JsonToken.START_OBJECT) return Optional.empty();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                boolean wanted = json.currentName().equals("of");
                if (json.nextToken() == JsonToken.START_OBJECT && wanted)
                    return Optional.of(read(json));
                json.skipChildren();
            }
            return Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static LetterOrigin read(JsonParser json) throws IOException {
        String log = "";
        long seq = 0;
        int first = 0;
        int last = 0;
        String destination = "";
        String lane = "all";
        String status = "";
        String message = "";
        String at = "";
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            json.nextToken();
            switch (name) {
                case "log" -> log = json.getText();
                case "seq" -> seq = json.getLongValue();
                case "items" -> {
                    first = json.nextIntValue(0);
                    last = json.nextIntValue(0);
                    json.nextToken();
                }
                case "destination" -> destination = json.getText();
                case "lane" -> lane = json.getText();
                case "status" -> status = json.getText();
                case "message" -> message = json.getText();
                case "at" -> at = json.getText();
                default -> json.skipChildren();
            }
        }
        return new LetterOrigin(log, seq, first, last, destination, lane, status, message, at);
    }
}
