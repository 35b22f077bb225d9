package io.edged.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the daemon says of itself, to look things up in. What is not there, or is not of the kind
 * that is asked for, reads as empty: a screen for people shows what a daemon of another version
 * has.
 */
record JsonTree(Object value) {
    private static final JsonFactory JSON = new JsonFactory();
    private static final Object NOTHING = new Object();

    static JsonTree read(String text) throws IOException {
        try (JsonParser json = JSON.createParser(text)) {
            json.nextToken();
            return new JsonTree(value(json));
        }
    }

    private static Object value(JsonParser json) throws IOException {
        return switch (json.currentToken()) {
            case START_OBJECT -> {
                var members = new LinkedHashMap<String, Object>();
                while (json.nextToken() != JsonToken.END_OBJECT) {
                    String name = json.currentName();
                    json.nextToken();
                    members.put(name, value(json));
                }
                yield members;
            }
            case START_ARRAY -> {
                var elements = new ArrayList<>();
                while (json.nextToken() != JsonToken.END_ARRAY) elements.add(value(json));
                yield elements;
            }
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> json.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_STRING -> json.getText();
            case null, default -> NOTHING;
        };
    }

    JsonTree at(String... path) {
        Object here = value;
        for (String name : path)
            here = here instanceof Map<?, ?> map && map.containsKey(name) ? map.get(name) : NOTHING;
        return new JsonTree(here == null ? NOTHING : here);
    }

    List<JsonTree> elements() {
        return value instanceof List<?> list
                ? list.stream().<JsonTree>map(JsonTree::new).toList()
                : List.of();
    }

    String text() {
        return value instanceof String text ? text : "";
    }

    double number() {
        return value instanceof Double number ? number : 0;
    }

    boolean flag() {
        return value instanceof Boolean flag && flag;
    }
}
