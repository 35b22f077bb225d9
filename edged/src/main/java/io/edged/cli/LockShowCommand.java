package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.identity.LockFiles;
import io.edged.lock.Architecture;
import io.edged.lock.Artefact;
import io.edged.lock.DeviceLock;
import io.edged.lock.LockDocument;
import io.edged.lock.ReleaseLock;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** Shows what a lock says; compares nothing with the device. */
@Command(
        name = "show",
        description = "Shows what a lock says, without looking at the files that it locks.",
        mixinStandardHelpOptions = true)
final class LockShowCommand implements Callable<Integer> {
    private final Program program;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "The configuration, for its lock.")
    private @Nullable Path config;

    @Option(names = "--files", description = "Every file, too.")
    private boolean files;

    @Option(names = "--json", description = "The document itself.")
    private boolean json;

    @Parameters(arity = "0..1", paramLabel = "LOCK", description = "A lock.")
    private @Nullable Path file;

    LockShowCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() {
        if ((config == null) == (file == null))
            throw new ParameterException(
                    commandLine(), "name a lock, or --config FILE for its lock");
        Path shown =
                file != null
                        ? file
                        : LoadedConfiguration.read(java.util.Objects.requireNonNull(config))
                                .config()
                                .lock()
                                .file();
        LockDocument lock = LockFiles.require(shown, LockFiles.read(shown));
        if (json) program.out().print(new String(lock.prettyBytes(), StandardCharsets.UTF_8));
        else show(shown, lock);
        return ExitCode.CLEAN.code();
    }

    private CommandLine commandLine() {
        return spec.commandLine();
    }

    private void show(Path shown, LockDocument lock) {
        ReleaseLock release =
                switch (lock) {
                    case ReleaseLock own -> own;
                    case DeviceLock device -> device.release();
                };
        line("lock", shown + (lock instanceof DeviceLock ? " of a device" : " of a release"));
        line("fingerprint", lock.fingerprint().value());
        line("version", release.productVersion());
        if (lock instanceof DeviceLock) line("release", release.fingerprint().value());
        for (Architecture each : Architecture.values()) {
            var all = release.artefacts(each);
            long bytes = all.values().stream().mapToLong(Artefact::bytes).sum();
            line(each.label(), all.size() + " files, " + bytes + " bytes");
        }
        if (files) {
            release.shared().forEach((path, artefact) -> file("shared", path, artefact));
            release.byArchitecture()
                    .forEach((architecture, own) ->
                            own.forEach((path, artefact) ->
                                    file(architecture.label(), path, artefact)));
        }
        if (lock instanceof DeviceLock device)
            device.configurationLines().forEach(each -> line("key", each));
    }

    private void file(String machines, String path, Artefact artefact) {
        line(
                machines,
                artefact.mode()
                        + " "
                        + artefact.fingerprint()
                        + " "
                        + artefact.bytes()
                        + " "
                        + path);
    }

    private void line(String name, String value) {
        program.out().println(String.format("%-12s %s", name, value));
    }
}
