package io.edged.config;

import org.jspecify.annotations.Nullable;
import org.tomlj.MutableTomlTable;
import org.tomlj.TomlArray;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One table of the file while it is read: typed values for keys, and problems for whatever does not
 * fit. A getter always returns a value that its key allows, so that reading reaches every problem;
 * after a problem the outcome is thrown away.
 */
final class Section {

    private final Table table;
    private final @Nullable TomlTable toml;
    private final @Nullable TomlPosition position;
    private final String path;
    private final boolean complete;
    private final Table root;
    private final Findings findings;

    /**
     * @param toml null when the table is not in the file
     * @param complete false when the table was refused as a whole, so that nothing is missing in it
     */
    private Section(
            Table table,
            @Nullable TomlTable toml,
            @Nullable TomlPosition position,
            String path,
            boolean complete,
            Table root,
            Findings findings) {
        this.table = table;
        this.toml = toml;
        this.position = position;
        this.path = path;
        this.complete = complete;
        this.root = root;
        this.findings = findings;
        if (toml != null) refuseUnknown(toml);
    }

    /** The file itself. */
    static Section root(Table table, TomlTable toml, Findings findings) {
        return new Section(table, toml, null, "", true, table, findings);
    }

    /** The value of a key; after a problem a value that stands in for it. */
    <T> T get(Key<T> key) {
        if (!table.keys().contains(key))
            throw new IllegalStateException(key.name() + " is not a key of [" + path + "]");
        Object value = raw(key.name());
        if (value == null) {
            if (key.required()) missing(key, "required key is missing");
            return key.fallback();
        }
        Optional<T> read = key.type().read(value);
        if (read.isEmpty()) {
            String example = "for example " + key.exampleLine();
            findings.add(
                    Problem.Kind.VALUE,
                    positionOf(key.name()),
                    name(key),
                    key.type().showable().test(value) ? Rendering.value(value) : "",
                    key.type().rule(),
                    example);
        }
        return read.orElse(key.fallback());
    }

    /** A table in this one, also if it is not in the file. */
    Section table(Table inner) {
        Object value = raw(inner.name());
        if (value == null || value instanceof TomlTable)
            return section(inner, inner.name(), (TomlTable) value, positionOf(inner.name()), true);
        findings.add(
                Problem.Kind.VALUE,
                positionOf(inner.name()),
                childPath(inner.name()),
                Rendering.value(value),
                "must be a table",
                "write [" + childPath(inner.name()) + "]");
        return section(inner, inner.name(), null, null, false);
    }

    /** The tables of an array of tables: at least one if it is there, or if it must be. */
    List<Section> tables(Table inner, int most) {
        Object value = raw(inner.name());
        String name = childPath(inner.name());
        String header = "write [[" + name + "]] above its keys";
        var sections = new ArrayList<Section>();
        if (value == null) {
            if (complete && !inner.optional())
                findings.add(
                        Problem.Kind.MISSING,
                        position,
                        name,
                        "",
                        "at least one is required",
                        header);
        } else if (!(value instanceof TomlArray array) || array.isEmpty()) {
            findings.add(
                    Problem.Kind.VALUE,
                    positionOf(inner.name()),
                    name,
                    Rendering.value(value),
                    "must be an array of tables with at least one",
                    header);
        } else if (array.size() > most) {
            findings.add(
                    Problem.Kind.VALUE,
                    positionOf(inner.name()),
                    name,
                    String.valueOf(array.size()),
                    "must be at most " + most + " tables",
                    "remove some");
        } else {
            for (int i = 0; i < array.size(); i++) {
                String element = inner.name() + "[" + i + "]";
                if (array.get(i) instanceof TomlTable item)
                    sections.add(section(inner, element, item, array.inputPositionOf(i), true));
                else
                    findings.add(
                            Problem.Kind.VALUE,
                            array.inputPositionOf(i),
                            childPath(element),
                            Rendering.value(array.get(i)),
                            "must be a table",
                            header);
            }
        }
        return sections;
    }

    /** A path of the file: relative ones start at the directory of the file. */
    Path resolve(Path written) {
        return findings.file().toAbsolutePath().resolveSibling(written);
    }

    /** A key that must be there; no problem in a table that was refused as a whole. */
    void missing(Key<?> key, String rule) {
        if (!complete) return;
        TomlPosition at = positionOf(key.name());
        findings.add(
                Problem.Kind.MISSING,
                at == null ? position : at,
                name(key),
                "",
                rule,
                "for example " + key.exampleLine());
    }

    /** A file that a key names and that cannot be used. */
    void refuseFile(Key<?> key, Path file, BoundedFile.Refusal refusal) {
        // Somebody may have put the secret itself where its file belongs.
        boolean shown = Files.exists(file) || key.type().showable().test(raw(key.name()));
        findings.add(
                Problem.Kind.FILE,
                positionOf(key.name()),
                name(key),
                shown ? Rendering.quoted(file.toString()) : "",
                refusal.rule,
                refusal.advice);
    }

    /** A problem with a value that fits its key but not the rest. */
    void conflict(Key<?> key, String rule, String advice) {
        conflict(key, this, key, rule, advice);
    }

    /**
     * The same; if the key is not in the file, the problem stands where {@code other} is, which
     * then is the one that the operator wrote.
     */
    void conflict(Key<?> key, Section otherSection, Key<?> other, String rule, String advice) {
        Object value = raw(key.name());
        TomlPosition at = positionOf(key.name());
        if (at == null) at = otherSection.positionOf(other.name());
        String shown = value == null ? defaultOf(key) : Rendering.value(value);
        if (value != null && !key.type().showable().test(value)) shown = "";
        findings.add(Problem.Kind.CONFLICT, at, name(key), shown, rule, advice);
    }

    /** A problem with one entry of a table that is a value, such as a header. Shows no value. */
    void refuseEntry(Key<?> key, String entry, String rule, String advice) {
        TomlTable entries = entries(key);
        findings.add(
                Problem.Kind.VALUE,
                entries.inputPositionOf(List.of(entry)),
                name(key) + "." + Rendering.keyPart(entry),
                "",
                rule,
                advice);
    }

    /** The entries of a table that is a value; empty if it is not there or was refused. */
    TomlTable entries(Key<?> key) {
        return raw(key.name()) instanceof TomlTable entries && isSound(key)
                ? entries
                : MutableTomlTable.create();
    }

    /** Whether no problem was found with this key so far. */
    boolean isSound(Key<?> key) {
        return !findings.refused(name(key));
    }

    /** Whether the file has a value for this key, a good one, that is not its default. */
    <T> boolean departs(Key<T> key) {
        Object value = raw(key.name());
        if (value == null || !isSound(key)) return false;
        return value instanceof TomlTable entries
                ? !entries.isEmpty()
                : !key.type().read(value).equals(Optional.of(key.fallback()));
    }

    /** The full name of a key, for example {@code drain.destination[0].endpoint}. */
    String name(Key<?> key) {
        return childPath(key.name());
    }

    private <T> String defaultOf(Key<T> key) {
        return "the default " + key.type().literal().apply(key.fallback());
    }

    private void refuseUnknown(TomlTable toml) {
        for (String name : toml.keySet()) {
            if (table.names().contains(name)) continue;
            boolean isTable = raw(name) instanceof TomlTable;
            // The value is not shown: nothing is known about it, it may be a secret.
            findings.add(
                    Problem.Kind.UNKNOWN,
                    positionOf(name),
                    childPath(Rendering.keyPart(name)),
                    "",
                    isTable ? "unknown table" : "unknown key",
                    meant(name));
        }
    }

    private String meant(String typed) {
        Optional<String> near = NearestKey.of(typed, table.names());
        if (near.isPresent()) return "did you mean " + Rendering.quoted(near.get()) + "?";
        List<String> elsewhere = tablesWith(typed, root, "");
        if (!elsewhere.isEmpty()) return "it is known in " + String.join(" and ", elsewhere);
        return "known here: " + String.join(", ", table.names());
    }

    private static List<String> tablesWith(String typed, Table in, String path) {
        var found = new ArrayList<String>();
        boolean here =
                in.names().stream()
                        .anyMatch(name -> NearestKey.plain(name).equals(NearestKey.plain(typed)));
        if (here && !path.isEmpty())
            found.add(in.repeated() ? "[[" + path + "]]" : "[" + path + "]");
        for (Table inner : in.tables())
            found.addAll(
                    tablesWith(
                            typed,
                            inner,
                            path.isEmpty() ? inner.name() : path + "." + inner.name()));
        return found;
    }

    private Section section(
            Table inner,
            String name,
            @Nullable TomlTable value,
            @Nullable TomlPosition at,
            boolean readable) {
        return new Section(inner, value, at, childPath(name), complete && readable, root, findings);
    }

    private String childPath(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    private @Nullable Object raw(String name) {
        return toml == null ? null : toml.get(List.of(name));
    }

    private @Nullable TomlPosition positionOf(String name) {
        return toml == null ? null : toml.inputPositionOf(List.of(name));
    }
}
