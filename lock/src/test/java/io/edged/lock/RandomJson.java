package io.edged.lock;

import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonBoolean;
import io.edged.lock.JsonValue.JsonNull;
import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Values of every kind, and the many ways to write one. */
final class RandomJson {

    private final Random random;

    RandomJson(long seed) {
        random = new Random(seed);
    }

    JsonObject object(int depth) {
        var members = new HashMap<String, JsonValue>();
        int count = random.nextInt(6);
        for (int i = 0; i < count; i++) members.put(text(), value(depth - 1));
        return new JsonObject(members);
    }

    JsonValue value(int depth) {
        return switch (random.nextInt(depth > 0 ? 7 : 5)) {
            case 0 -> new JsonNull();
            case 1 -> new JsonBoolean(random.nextBoolean());
            case 2 -> new JsonString(text());
            case 3, 4 -> number();
            case 5 -> {
                var values = new ArrayList<JsonValue>();
                int count = random.nextInt(5);
                for (int i = 0; i < count; i++) values.add(value(depth - 1));
                yield new JsonArray(values);
            }
            default -> object(depth);
        };
    }

    private JsonNumber number() {
        if (random.nextBoolean()) return new JsonNumber(random.nextInt(2_000) - 1_000);
        double value = Double.longBitsToDouble(random.nextLong());
        return new JsonNumber(Double.isFinite(value) ? value : 0.1);
    }

    private String text() {
        var text = new StringBuilder();
        int count = random.nextInt(6);
        for (int i = 0; i < count; i++) {
            switch (random.nextInt(4)) {
                case 0 -> text.appendCodePoint(random.nextInt(0x20));
                case 1 -> text.appendCodePoint(0x10000 + random.nextInt(0x100000));
                case 2 -> text.appendCodePoint(0xE000 + random.nextInt(0x2000));
                default -> text.append("ab.\"\\/[]".charAt(random.nextInt(8)));
            }
        }
        return text.toString();
    }

    /**
     * The value with members in any order, any white space, any escapes, any spelling of numbers.
     */
    byte[] spelled(JsonValue value) {
        var text = new StringBuilder();
        spell(value, text);
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private void spell(JsonValue value, StringBuilder text) {
        space(text);
        switch (value) {
            case JsonObject object -> {
                var members = new ArrayList<>(object.members().entrySet());
                Collections.shuffle(members, random);
                text.append('{');
                for (int i = 0; i < members.size(); i++) {
                    Map.Entry<String, JsonValue> member = members.get(i);
                    if (i > 0) text.append(',');
                    space(text);
                    spell(member.getKey(), text);
                    space(text);
                    text.append(':');
                    spell(member.getValue(), text);
                }
                text.append('}');
            }
            case JsonArray array -> {
                text.append('[');
                for (int i = 0; i < array.values().size(); i++) {
                    if (i > 0) text.append(',');
                    spell(array.values().get(i), text);
                }
                text.append(']');
            }
            case JsonString string -> spell(string.text(), text);
            case JsonNumber number -> {
                boolean java = random.nextBoolean();
                text.append(
                        java
                                ? Double.toString(number.value())
                                : EcmaScriptNumber.text(number.value()));
            }
            case JsonBoolean literal -> text.append(literal.value());
            case JsonNull() -> text.append("null");
        }
        space(text);
    }

    private void spell(String string, StringBuilder text) {
        text.append('"');
        for (int i = 0; i < string.length(); i++) {
            char c = string.charAt(i);
            boolean plain = c >= ' ' && c != '"' && c != '\\' && !Character.isSurrogate(c);
            if (plain && random.nextBoolean()) text.append(c);
            else text.append(String.format("\\u%04X", (int) c));
        }
        text.append('"');
    }

    private void space(StringBuilder text) {
        text.append(List.of("", "", " ", "\n", "\t", "\r\n").get(random.nextInt(6)));
    }
}
