package io.edged.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.config.EffectiveValue.Flag;
import io.edged.config.EffectiveValue.Items;
import io.edged.config.EffectiveValue.Members;
import io.edged.config.EffectiveValue.Text;
import io.edged.config.EffectiveValue.Whole;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** The values in effect as a lock has them. */
class EffectiveValueTest {

    private static final String SMALL =
            """
            node.id = "a"
            storage.dir = "state"
            receiver.http = "127.0.0.1:4318"
            [[drain.destination]]
            name = "up"
            endpoint = "http://a.example:4318"
            bearer_token_file = "token"
            headers = { X-Zone = "secret-zone", a = "b" }
            """;

    @TempDir Path directory;

    @BeforeEach
    void token() throws IOException {
        Path token = Files.writeString(directory.resolve("token"), "t0ken");
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-------"));
    }

    private Members effective(String toml) throws IOException {
        Path file = Files.writeString(directory.resolve("edge.toml"), toml);
        EdgeToml.Reading reading = EdgeToml.readWithValues(file);
        assertThat(reading.result()).isInstanceOf(EdgeToml.Valid.class);
        return reading.effective();
    }

    private static EffectiveValue at(Members tree, String... path) {
        EffectiveValue value = tree;
        for (String name : path) {
            EffectiveValue next = ((Members) value).members().get(name);
            if (next == null) throw new AssertionError(name + " is not in " + value);
            value = next;
        }
        return value;
    }

    @Test
    void everyKeyIsThereWithItsDefaultAndOfItsType() throws IOException {
        Members tree = effective(SMALL);
        assertThat(at(tree, "storage", "ceiling_bytes")).isEqualTo(new Whole(4L << 30));
        assertThat(at(tree, "storage", "policy")).isEqualTo(new Text("reject"));
        assertThat(at(tree, "storage", "dir")).isEqualTo(new Text("state"));
        assertThat(at(tree, "storage", "keep_lanes")).isEqualTo(new Items(List.of()));
        assertThat(at(tree, "receiver", "allow_remote")).isEqualTo(new Flag(false));
        assertThat(at(tree, "receiver", "http")).isEqualTo(new Text("127.0.0.1:4318"));
        assertThat(at(tree, "receiver", "idle_timeout")).isEqualTo(new Text("1m"));
        assertThat(at(tree, "lock", "public_key_file")).isEqualTo(new Text(""));
        for (Table table : EdgeConfig.TABLE.tables())
            for (Key<?> key : table.keys())
                if (!key.equals(EdgeConfig.Node.ID))
                    assertThat(at(tree, table.name(), key.name())).isNotNull();
    }

    @Test
    void secretsAppearByReferenceOnly() throws IOException {
        Members tree = effective(SMALL);
        assertThat(tree.toString()).doesNotContain("t0ken", "secret-zone");
        var destination = (Members) ((Items) at(tree, "drain", "destination")).items().getFirst();
        assertThat(at(destination, "bearer_token_file")).isEqualTo(new Text("token"));
        assertThat(at(destination, "headers"))
                .isEqualTo(new Items(List.of(new Text("a"), new Text("x-zone"))));
    }

    @Test
    void devicesThatBehaveAlikeHaveEqualValues() throws IOException {
        Members one = effective(SMALL);
        assertThat(effective(SMALL.replace("node.id = \"a\"", "node.id = \"b\""))).isEqualTo(one);
        assertThat(effective("# a comment\n" + SMALL + "\n[log]\nlevel = \"info\"\n"))
                .isEqualTo(one);
        assertThat(effective(SMALL.replace("secret-zone", "other"))).isEqualTo(one);
        assertThat(effective(SMALL + "\n[log]\nlevel = \"warn\"\n")).isNotEqualTo(one);
    }

    @Test
    void aConfigurationThatIsNotValidHasNoValues() throws IOException {
        Path file = Files.writeString(directory.resolve("edge.toml"), "node.id = 7");
        assertThat(EdgeToml.readWithValues(file).effective().members()).isEmpty();
        assertThat(EdgeToml.readWithValues(directory.resolve("none")).result())
                .isInstanceOf(EdgeToml.Invalid.class);
    }

    @Test
    void aManifestWithoutAKeyIsRefused() throws IOException {
        Path file =
                Files.writeString(
                        directory.resolve("edge.toml"),
                        SMALL + "[lock]\nruntime_manifest_file = \"m.json\"\n");
        assertThat(EdgeToml.read(file).toString()).contains("needs lock.public_key_file");
    }
}
