package kameng.sdk;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** JSON as maps, lists, String, Long, Double, Boolean and null. Our numbers are whole; money is text. */
final class Json {
    private final String text;
    private int at;

    private Json(String text) { this.text = text; }

    static Object read(String text) {
        Json reader = new Json(text);
        Object value = reader.value();
        reader.blanks();
        if (reader.at != text.length()) throw reader.wrong();
        return value;
    }

    private Object value() {
        blanks();
        char first = peek();
        if (first == '{') return object();
        if (first == '[') return array();
        if (first == '"') return string();
        for (Map.Entry<String, Object> word : WORDS) {
            if (text.startsWith(word.getKey(), at)) {
                at += word.getKey().length();
                return word.getValue();
            }
        }
        return number();
    }

    private static final List<Map.Entry<String, Object>> WORDS = List.of(
        Map.entry("true", true), Map.entry("false", false), new java.util.AbstractMap.SimpleEntry<>("null", null));

    private Map<String, Object> object() {
        Map<String, Object> found = new LinkedHashMap<>();
        at++;
        blanks();
        if (peek() == '}') { at++; return found; }
        while (true) {
            blanks();
            String name = string();
            blanks();
            take(':');
            found.put(name, value());
            blanks();
            if (peek() == '}') { at++; return found; }
            take(',');
        }
    }

    private List<Object> array() {
        List<Object> found = new ArrayList<>();
        at++;
        blanks();
        if (peek() == ']') { at++; return found; }
        while (true) {
            found.add(value());
            blanks();
            if (peek() == ']') { at++; return found; }
            take(',');
        }
    }

    private String string() {
        take('"');
        StringBuilder found = new StringBuilder();
        while (peek() != '"') {
            char next = text.charAt(at++);
            if (next != '\\') { found.append(next); continue; }
            char escaped = peek();
            at++;
            switch (escaped) {
                case 'b' -> found.append('\b');
                case 'f' -> found.append('\f');
                case 'n' -> found.append('\n');
                case 'r' -> found.append('\r');
                case 't' -> found.append('\t');
                case 'u' -> { found.append((char) Integer.parseInt(text.substring(at, at + 4), 16)); at += 4; }
                default -> found.append(escaped);
            }
        }
        at++;
        return found.toString();
    }

    private Object number() {
        int start = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) at++;
        String found = text.substring(start, at);
        if (found.isEmpty()) throw wrong();
        return found.matches("-?[0-9]+") ? (Object) Long.valueOf(found) : (Object) Double.valueOf(found);
    }

    private void blanks() { while (at < text.length() && text.charAt(at) <= ' ') at++; }

    private char peek() {
        if (at >= text.length()) throw wrong();
        return text.charAt(at);
    }

    private void take(char wanted) {
        if (peek() != wanted) throw wrong();
        at++;
    }

    private IllegalArgumentException wrong() { return new IllegalArgumentException("no JSON at character " + at); }

    static String write(Object value) {
        if (value instanceof String found) return quotedText(found);
        if (value instanceof Map<?, ?> found) {
            List<String> members = new ArrayList<>();
            found.forEach((name, member) -> members.add(quotedText((String) name) + ":" + write(member)));
            return "{" + String.join(",", members) + "}";
        }
        if (value instanceof List<?> found) return "[" + String.join(",", found.stream().map(Json::write).toList()) + "]";
        return String.valueOf(value);
    }

    private static String quotedText(String found) {
        StringBuilder made = new StringBuilder("\"");
        for (char one : found.toCharArray()) {
            if (one == '"' || one == '\\') made.append('\\').append(one);
            else if (one < ' ') made.append(String.format("\\u%04x", (int) one));
            else made.append(one);
        }
        return made.append('"').toString();
    }

    /** As a part of a path. */
    static String quoted(String part) {
        return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** A query of names and values in turn; those that are null are left out. */
    static String pairs(Object... given) {
        List<String> pairs = new ArrayList<>();
        for (int i = 0; i < given.length; i += 2) {
            if (given[i + 1] != null) pairs.add(quoted((String) given[i]) + "=" + quoted(String.valueOf(given[i + 1])));
        }
        return String.join("&", pairs);
    }

    static void put(Map<String, Object> wire, String name, Object value) {
        if (value != null) wire.put(name, value);
    }

    @SuppressWarnings("unchecked")
    static <T> T model(Object wire, Function<Map<String, Object>, T> reader) {
        return wire == null ? null : reader.apply((Map<String, Object>) wire);
    }

    @SuppressWarnings("unchecked")
    static <T> List<T> models(Object wire, Function<Map<String, Object>, T> reader) {
        return wire == null ? List.of() : ((List<Map<String, Object>>) wire).stream().map(reader).toList();
    }

    @SuppressWarnings("unchecked")
    static <T> List<T> list(Object wire) { return wire == null ? List.of() : (List<T>) wire; }

    @SuppressWarnings("unchecked")
    static <T> Map<String, T> map(Object wire) { return wire == null ? null : (Map<String, T>) wire; }
}
