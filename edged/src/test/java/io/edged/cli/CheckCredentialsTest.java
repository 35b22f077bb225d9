package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** What {@code edged check} says about the files of destinations. */
class CheckCredentialsTest {

    @TempDir private Path directory;

    private EdgeConfig config(String destination) throws IOException {
        return Main.read(
                Files.writeString(
                        directory.resolve("edge.toml"),
                        """
                        node.id = "test"
                        storage.dir = "state"
                        receiver.http = "127.0.0.1:0"
                        [[drain.destination]]
                        name = "up"
                        """
                                + destination));
    }

    private void refused(String destination, String... words) throws IOException {
        EdgeConfig config = config(destination);
        assertThatThrownBy(() -> Options.checkCredentials(config))
                .isInstanceOfSatisfying(
                        ExitException.class,
                        e -> assertThat(e.code()).isEqualTo(ExitCode.CERTIFICATES))
                .hasMessageContaining("drain.destination \"up\"")
                .hasMessageContainingAll(words);
    }

    @Test
    void filesThatCannotBeUsedAreNamed() throws IOException {
        refused("endpoint = \"https://a\"\nca_file = \"none.pem\"\n", "none.pem does not exist");
        Files.writeString(directory.resolve("text.pem"), "text");
        refused(
                "protocol = \"grpc\"\nendpoint = \"https://a\"\nca_file = \"text.pem\"\n",
                "text.pem holds no certificate");
        Path credentials = Files.writeString(directory.resolve("proxy"), "no colon\n");
        Files.setPosixFilePermissions(credentials, PosixFilePermissions.fromString("rw-------"));
        refused(
                """
                endpoint = "http://a"
                proxy = "http://p:1"
                proxy_credentials_file = "proxy"
                """,
                "must hold user:password");
    }

    @Test
    void aDirectoryNeedsNone() throws IOException {
        EdgeConfig config = config("protocol = \"file\"\nendpoint = \"file:///var/lib/x\"\n");
        assertThatCode(() -> Options.checkCredentials(config)).doesNotThrowAnyException();
    }
}
