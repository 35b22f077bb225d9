package io.edged.lock;

import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Names values of a tree as an operator does: {@code upstream[0].url}, quoted as in TOML. */
final class ConfigurationKeys {

    private static final Pattern BARE = Pattern.compile("[A-Za-z0-9_-]+");

    private ConfigurationKeys() {}

    /** Every value that has no parts, by its key; an empty object or array is such a value. */
    static SortedMap<String, JsonValue> leaves(JsonObject tree) {
        var leaves = new TreeMap<String, JsonValue>();
        tree.members().forEach((name, value) -> collect(join("", name), value, leaves));
        return leaves;
    }

    private static void collect(String key, JsonValue value, SortedMap<String, JsonValue> leaves) {
        switch (value) {
            case JsonObject object when !object.members().isEmpty() ->
                    object.members().forEach((name, v) -> collect(join(key, name), v, leaves));
            case JsonArray array when !array.values().isEmpty() -> {
                for (int i = 0; i < array.values().size(); i++)
                    collect(key + '[' + i + ']', array.values().get(i), leaves);
            }
            default -> leaves.put(key, value);
        }
    }

    static String join(String prefix, String name) {
        String part =
                BARE.matcher(name).matches() ? name : JsonWriter.canonical(new JsonString(name));
        return prefix.isEmpty() ? part : prefix + '.' + part;
    }
}
