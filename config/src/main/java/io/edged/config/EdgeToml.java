package io.edged.config;

import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;

/** Reads {@code edge.toml}. Nothing is kept and nothing but files is touched; any thread. */
public final class EdgeToml {

    private EdgeToml() {}

    /** What became of reading a configuration. */
    public sealed interface Result {}

    /** Every key is known and every value allowed; the files that it names were read. */
    public record Valid(EdgeConfig config) implements Result {}

    /** Everything that must be corrected first. */
    public record Invalid(Problems problems) implements Result {}

    /**
     * A configuration together with its values as a tree, both from one reading of the file.
     *
     * @param effective without members when the configuration is not valid
     */
    public record Reading(Result result, EffectiveValue.Members effective) {}

    /** As {@link #read}, for whoever must also say which values are in effect. */
    public static Reading readWithValues(Path file) {
        var none = new EffectiveValue.Members(new TreeMap<>());
        byte[] bytes;
        try {
            bytes = BoundedFile.read(file, ConfigFile.MAX_BYTES, true);
        } catch (BoundedFile.Refusal refusal) {
            return new Reading(invalid(file, refusal), none);
        }
        Result result = parse(file, bytes);
        if (result instanceof Invalid) return new Reading(result, none);
        var findings = new Findings(file);
        ConfigFile text = ConfigFile.parse(bytes, findings);
        Section root = Section.root(EdgeConfig.TABLE, text.toml(), findings);
        return new Reading(result, EffectiveValue.of(EdgeConfig.TABLE, root));
    }

    /**
     * Reads a file and the secret files that it names, and finds all problems in one pass. Where
     * the TOML itself is broken, what depends on the broken lines (missing keys, keys behind a
     * broken table header) is judged only once they are mended.
     *
     * @param file as the operator named it: so it appears in problems
     */
    public static Result read(Path file) {
        try {
            return parse(file, BoundedFile.read(file, ConfigFile.MAX_BYTES, true));
        } catch (BoundedFile.Refusal refusal) {
            return invalid(file, refusal);
        }
    }

    private static Invalid invalid(Path file, BoundedFile.Refusal refusal) {
        var findings = new Findings(file);
        findings.add(Problem.Kind.FILE, refusal.rule, refusal.advice);
        return new Invalid(new Problems(findings.problems()));
    }

    /** The same for bytes that are known already. */
    static Result parse(Path file, byte[] bytes) {
        var findings = new Findings(file);
        ConfigFile text = ConfigFile.parse(bytes, findings);
        EdgeConfig config = EdgeConfig.read(Section.root(EdgeConfig.TABLE, text.toml(), findings));
        List<Problem> problems = findings.problems().stream().filter(text::isTrue).toList();
        return problems.isEmpty() ? new Valid(config) : new Invalid(new Problems(problems));
    }
}
