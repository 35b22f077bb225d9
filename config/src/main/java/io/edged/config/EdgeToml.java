package io.edged.config;

import java.nio.file.Path;
import java.util.List;

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
            var findings = new Findings(file);
            findings.add(Problem.Kind.FILE, refusal.rule, refusal.advice);
            return new Invalid(new Problems(findings.problems()));
        }
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
