package io.edged.identity;

import io.edged.config.EffectiveValue;
import io.edged.lock.JsonValue;
import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonBoolean;
import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.util.TreeMap;

/** The configuration in effect as it stands in a device lock. */
public final class ConfigurationJson {

    private ConfigurationJson() {}

    /** The same tree in the types of JSON. */
    public static JsonObject of(EffectiveValue.Members values) {
        var members = new TreeMap<String, JsonValue>();
        values.members().forEach((name, value) -> members.put(name, json(value)));
        return new JsonObject(members);
    }

    private static JsonValue json(EffectiveValue value) {
        return switch (value) {
            case EffectiveValue.Text(String text) -> new JsonString(text);
            case EffectiveValue.Whole(long number) -> JsonNumber.of(number);
            case EffectiveValue.Flag(boolean flag) -> new JsonBoolean(flag);
            case EffectiveValue.Items(var items) ->
                    new JsonArray(items.stream().map(ConfigurationJson::json).toList());
            case EffectiveValue.Members members -> of(members);
        };
    }
}
