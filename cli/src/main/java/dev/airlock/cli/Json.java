package dev.airlock.cli;

import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** What {@code --json} prints: one indented object on stdout, nothing else. */
final class Json {
    private Json() {}

    /** Prints maps, lists, numbers, strings and booleans; maps keep their order. */
    static void print(Object value) {
        JsonMapper mapper = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
        System.out.println(mapper.writeValueAsString(value));
    }
}
