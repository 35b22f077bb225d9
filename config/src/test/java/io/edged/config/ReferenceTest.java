package io.edged.config;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlTable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The shipped {@code edge.toml} and the documentation say what the code says. {@code make
 * reference} rewrites both.
 */
class ReferenceTest {

    private static final Path FILE = Path.of("edge.toml");
    private static final Path DOCUMENT = Path.of("../docs/configuration.md");
    private static final Pattern KEYS =
            Pattern.compile("(?<=<!-- keys: begin -->\n).*(?=<!-- keys: end -->)", Pattern.DOTALL);
    private static final Pattern EXAMPLE = Pattern.compile("```toml\n(node.*?)```", Pattern.DOTALL);
    private static final boolean REWRITE = Boolean.getBoolean("reference.rewrite");

    @Test
    void referenceFileIsWhatTheCodeSays() throws IOException {
        if (REWRITE) Files.writeString(FILE, Reference.toml());
        assertThat(Files.readString(FILE)).as("run: make reference").isEqualTo(Reference.toml());
    }

    @Test
    void documentListsEveryKeyAsTheCodeHasIt() throws IOException {
        String document = Files.readString(DOCUMENT);
        if (REWRITE) {
            document =
                    KEYS.matcher(document)
                            .replaceFirst(Matcher.quoteReplacement(Reference.markdown() + "\n"));
            Files.writeString(DOCUMENT, document);
        }
        assertThat(KEYS.matcher(document).results().map(match -> match.group()))
                .as("run: make reference")
                .containsExactly(Reference.markdown() + "\n");
    }

    @Test
    void everyKeyOfTheCodeIsInTheFileAndTheOtherWayRound() throws IOException {
        var inFile = new TreeMap<String, String>();
        collect(Toml.parse(FILE), "", inFile);
        var inCode = new TreeMap<String, String>();
        collect(EdgeConfig.TABLE, "", inCode);
        assertThat(inFile).isEqualTo(inCode).hasSizeGreaterThan(30);
    }

    @Test
    void referenceFileMeansTheSameAsTheSmallestFile() throws IOException {
        assertThat(EdgeToml.read(FILE)).isEqualTo(EdgeToml.parse(FILE, smallest().getBytes(UTF_8)));
    }

    @Test
    void smallestFileOfTheDocumentIsValid() throws IOException {
        assertThat(EdgeToml.parse(FILE, smallest().getBytes(UTF_8)))
                .isInstanceOf(EdgeToml.Valid.class);
        assertThat(smallest().lines().count()).isLessThanOrEqualTo(5);
    }

    @Test
    void numbersThatCommentsQuoteAreThoseOfTheCode() {
        var limits = new EdgeConfig.Limits(64 << 20, 1024, 1024, 0, 0);
        assertThat(limits.largestFrameBytes()).isEqualTo(1024 + (64 << 10) + 52);
        assertThat(EdgeConfig.Storage.CEILING_BYTES.comment()).contains("four");
        assertThat(EdgeConfig.Storage.MIN_SEGMENTS).isEqualTo(4);
    }

    @Test
    void problemsInTheDocumentAreReal() throws IOException {
        String text =
                """
                [node]
                id = "edge-0001"
                [storage]
                ceiling_byte = 1
                dir = "/var/lib/edged"
                [wal]
                segment_bytes = "64MB"
                [receiver]
                http = "127.0.0.1:4318"
                [[drain.destination]]
                name = "upstream"
                """;
        var shown =
                Files.readString(DOCUMENT)
                        .lines()
                        .filter(line -> line.startsWith("    edge.toml:"))
                        .map(String::strip);
        assertThat(EdgeToml.parse(FILE, text.getBytes(UTF_8)))
                .isInstanceOfSatisfying(
                        EdgeToml.Invalid.class,
                        invalid ->
                                assertThat(shown)
                                        .containsExactlyElementsOf(
                                                invalid.problems().toString().lines().toList()));
    }

    @Test
    void numbersThatTheDocumentQuotesAreThoseOfTheCode() throws IOException {
        assertThat(Files.readString(DOCUMENT))
                .contains("at most " + Units.format(ConfigFile.MAX_BYTES) + ".")
                .contains("at most " + Headers.MAX_COUNT + " names")
                .contains("`limits.body_bytes` + 64 KiB + 52 bytes");
    }

    private static String smallest() throws IOException {
        Matcher example = EXAMPLE.matcher(Files.readString(DOCUMENT));
        assertThat(example.find()).isTrue();
        return example.group(1);
    }

    /** Full names to values, both as the file writes them; every table counts once. */
    private static void collect(TomlTable toml, String path, Map<String, String> into) {
        for (var entry : toml.entrySet()) {
            String name = path + entry.getKey();
            switch (entry.getValue()) {
                case TomlTable inner when !inner.isEmpty() -> collect(inner, name + ".", into);
                case TomlTable _ -> into.put(name, "{}");
                case TomlArray array when !array.isEmpty() && array.get(0) instanceof TomlTable -> {
                    assertThat(array.size()).isEqualTo(1);
                    collect(array.getTable(0), name + ".", into);
                }
                default -> into.put(name, Rendering.value(entry.getValue()));
            }
        }
    }

    private static void collect(Table table, String path, Map<String, String> into) {
        for (Key<?> key : table.keys()) {
            String line = key.exampleLine();
            into.put(path + key.name(), line.substring(line.indexOf('=') + 2));
        }
        for (Table inner : table.tables())
            if (!inner.optional()) collect(inner, path + inner.name() + ".", into);
    }
}
