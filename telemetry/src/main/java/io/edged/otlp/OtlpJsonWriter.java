package io.edged.otlp;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.otlp.ProtobufReader.MalformedException;
import io.edged.otlp.Schema.Field;
import io.edged.otlp.Schema.Kind;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * Shows the protobuf body of an export request as OTLP/JSON: names in lowerCamelCase, trace and
 * span ids in hexadecimal, other bytes in base64, enums as numbers, 64-bit numbers as strings.
 * Members stand in the order of their field numbers; what is not on the wire is left out, and so
 * are fields that the schema does not know. Text that is not UTF-8 shows U+FFFD.
 *
 * <p>The body is read in place; beside it nothing is held that grows with it. One thread.
 */
public final class OtlpJsonWriter {

    private static final int NUMBERS = 32;

    private final Skim skim = new Skim(new byte[Skim.SCRATCH_BYTES]);

    /**
     * Writes one JSON object.
     *
     * @param body identity-encoded, between its position and limit, which stay
     * @throws MalformedBodyException if it is not well formed; nothing was written then
     */
    public void write(Signal signal, ByteBuffer body, JsonGenerator json) throws IOException {
        skim.begin(signal);
        if (!skim.feed(body.duplicate()) || !skim.end())
            throw new MalformedBodyException(skim.malformed());
        try {
            message(Schema.root(signal), body.slice(), json);
        } catch (MalformedException e) {
            throw new IllegalStateException("passed the skim, yet malformed", e);
        }
    }

    /** The body is not a well-formed export request. */
    public static final class MalformedBodyException extends IOException {
        private static final long serialVersionUID = 1;

        MalformedBodyException(Malformed why) {
            super(why.describe());
        }
    }

    /** Where the fields of one message are: by number, the first position and how many. */
    private static final class Index {
        final int[] first = new int[NUMBERS];
        final int[] count = new int[NUMBERS];

        /** Of the fields that exclude each other, the last on the wire; 0 if there is none. */
        int choice;
    }

    private static void message(Schema.Type type, ByteBuffer bytes, JsonGenerator json)
            throws IOException, MalformedException {
        json.writeStartObject();
        if (bytes.hasRemaining()) fields(type, bytes, json);
        json.writeEndObject();
    }

    private static void fields(Schema.Type type, ByteBuffer bytes, JsonGenerator json)
            throws IOException, MalformedException {
        Index index = index(type, bytes);
        var reader = new ProtobufReader(bytes);
        for (int number = 1; number < NUMBERS; number++) {
            if (index.count[number] == 0) continue;
            Field field = Schema.field(type, number).orElseThrow();
            if (field.choice() && number != index.choice) continue;
            reader.position(index.first[number]);
            json.writeFieldName(field.name());
            if (field.repeated()) list(field, reader, index.count[number], json);
            else last(field, reader, index.count[number], json);
        }
    }

    private static Index index(Schema.Type type, ByteBuffer bytes) throws MalformedException {
        var index = new Index();
        var reader = new ProtobufReader(bytes);
        while (true) {
            int start = reader.position();
            int number = reader.next();
            if (number == 0) return index;
            var field = Schema.field(type, number);
            if (field.isPresent() && expected(field.get(), reader)) {
                if (index.count[number]++ == 0) index.first[number] = start;
                if (field.get().choice()) index.choice = number;
            }
            reader.skip();
        }
    }

    private static boolean expected(Field field, ProtobufReader reader) {
        return reader.is(field.kind().wireType()) || (field.repeated() && packed(field, reader));
    }

    private static boolean packed(Field field, ProtobufReader reader) {
        return field.kind().wireType() != WireType.LENGTH && reader.is(WireType.LENGTH);
    }

    /** Goes to the next occurrence of a field that is known to have one. */
    private static void find(Field field, ProtobufReader reader) throws MalformedException {
        while (reader.next() != field.number() || !expected(field, reader)) reader.skip();
    }

    private static void list(Field field, ProtobufReader reader, int count, JsonGenerator json)
            throws IOException, MalformedException {
        json.writeStartArray();
        for (int i = 0; i < count; i++) {
            find(field, reader);
            if (packed(field, reader)) {
                var values = new ProtobufReader(reader.bytes());
                while (values.hasMore()) value(field, values, json);
            } else {
                value(field, reader, json);
            }
        }
        json.writeEndArray();
    }

    /** A field that holds one value: the last one counts, and messages are merged. */
    private static void last(Field field, ProtobufReader reader, int count, JsonGenerator json)
            throws IOException, MalformedException {
        if (count > 1 && field.kind() == Kind.MESSAGE) {
            message(field.message().orElseThrow(), merged(field, reader, count), json);
            return;
        }
        for (int i = 1; i < count; i++) {
            find(field, reader);
            reader.skip();
        }
        find(field, reader);
        value(field, reader, json);
    }

    /** Protobuf merges messages by concatenating them. */
    private static ByteBuffer merged(Field field, ProtobufReader reader, int count)
            throws MalformedException {
        int start = reader.position();
        int bytes = 0;
        for (int i = 0; i < count; i++) {
            find(field, reader);
            bytes += reader.bytes().remaining();
        }
        ByteBuffer all = ByteBuffer.allocate(bytes);
        reader.position(start);
        for (int i = 0; i < count; i++) {
            find(field, reader);
            all.put(reader.bytes());
        }
        return all.flip();
    }

    private static void value(Field field, ProtobufReader reader, JsonGenerator json)
            throws IOException, MalformedException {
        switch (field.kind()) {
            case BOOL -> json.writeBoolean(reader.varint() != 0);
            case INT32, ENUM -> json.writeNumber((int) reader.varint());
            case UINT32 -> json.writeNumber(reader.varint() & 0xFFFF_FFFFL);
            case SINT32 -> {
                int zigzag = (int) reader.varint();
                json.writeNumber(zigzag >>> 1 ^ -(zigzag & 1));
            }
            case INT64 -> json.writeString(Long.toString(reader.varint()));
            case UINT64 -> json.writeString(Long.toUnsignedString(reader.varint()));
            case FIXED32 -> json.writeNumber(Integer.toUnsignedLong(reader.fixed32()));
            case FIXED64 -> json.writeString(Long.toUnsignedString(reader.fixed64()));
            case SFIXED64 -> json.writeString(Long.toString(reader.fixed64()));
            case DOUBLE -> number(Double.longBitsToDouble(reader.fixed64()), json);
            case TEXT -> json.writeString(StandardCharsets.UTF_8.decode(reader.bytes()).toString());
            case BYTES -> json.writeBinary(array(reader.bytes()));
            case ID -> json.writeString(HexFormat.of().formatHex(array(reader.bytes())));
            case MESSAGE -> message(field.message().orElseThrow(), reader.bytes(), json);
        }
    }

    private static void number(double value, JsonGenerator json) throws IOException {
        if (Double.isNaN(value)) json.writeString("NaN");
        else if (Double.isInfinite(value)) json.writeString(value > 0 ? "Infinity" : "-Infinity");
        else json.writeNumber(value);
    }

    private static byte[] array(ByteBuffer bytes) {
        byte[] array = new byte[bytes.remaining()];
        bytes.get(array);
        return array;
    }
}
