package io.edged.otlp;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;

import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Writes official messages as OTLP/JSON, each time in another of the forms that the specification
 * allows: numbers or strings, hex in either case, members in any order, unknown members between
 * them.
 */
public final class OtlpJson {

    private final Random random;
    private final StringBuilder out = new StringBuilder();

    public OtlpJson(long seed) {
        random = new Random(seed);
    }

    public String print(Message message) {
        out.setLength(0);
        message(message);
        return out.toString();
    }

    private void message(Message message) {
        out.append('{');
        List<Map.Entry<FieldDescriptor, Object>> fields =
                new ArrayList<>(message.getAllFields().entrySet());
        Collections.shuffle(fields, random);
        boolean first = true;
        for (var field : fields) {
            if (!first) out.append(',');
            first = false;
            space();
            if (random.nextInt(20) == 0) out.append("\"unknown\":[{\"a\":[null,1.5e3]},\"x\"],");
            if (random.nextInt(20) == 0) out.append("\"dropped_attributes_count\":7,");
            text(field.getKey().getJsonName());
            space();
            out.append(':');
            if (field.getKey().isRepeated()) list(field.getKey(), (List<?>) field.getValue());
            else value(field.getKey(), field.getValue());
        }
        out.append('}');
    }

    private void list(FieldDescriptor field, List<?> values) {
        out.append('[');
        for (int i = 0; i < values.size(); i++) {
            if (i > 0) out.append(',');
            value(field, values.get(i));
        }
        out.append(']');
    }

    private void value(FieldDescriptor field, Object value) {
        space();
        switch (field.getType()) {
            case MESSAGE -> message((Message) value);
            case STRING -> text((String) value);
            case BYTES -> bytes(field, ((ByteString) value).toByteArray());
            case BOOL -> out.append(value);
            case ENUM ->
                    out.append(
                            ((com.google.protobuf.Descriptors.EnumValueDescriptor) value)
                                    .getNumber());
            case DOUBLE -> real((Double) value);
            case UINT64, FIXED64 -> whole(Long.toUnsignedString((Long) value));
            case UINT32, FIXED32 -> whole(Integer.toUnsignedString((Integer) value));
            default -> whole(value.toString());
        }
    }

    private void whole(String digits) {
        if (random.nextBoolean()) out.append('"').append(digits).append('"');
        else out.append(digits);
    }

    private void real(double value) {
        if (Double.isNaN(value)) out.append("\"NaN\"");
        else if (Double.isInfinite(value)) out.append(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        else whole(Double.toString(value));
    }

    private void bytes(FieldDescriptor field, byte[] value) {
        String name = field.getJsonName();
        if (name.equals("traceId") || name.endsWith("panId")) {
            var hex = random.nextBoolean() ? HexFormat.of() : HexFormat.of().withUpperCase();
            text(hex.formatHex(value));
            return;
        }
        var encoder = random.nextBoolean() ? Base64.getEncoder() : Base64.getUrlEncoder();
        text((random.nextBoolean() ? encoder : encoder.withoutPadding()).encodeToString(value));
    }

    private void text(String text) {
        out.append('"');
        boolean pairs = random.nextBoolean(); // both halves of a pair, or neither
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ' || (Character.isSurrogate(c) ? pairs : random.nextInt(30) == 0))
                out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        out.append('"');
    }

    private void space() {
        if (random.nextInt(10) == 0) out.append(" \n");
    }
}
