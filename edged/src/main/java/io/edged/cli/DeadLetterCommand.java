package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.disk.DirectoryLock;
import io.edged.drain.DeadLetters;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Dead letters: items that a destination refused for good while it took others. */
@Command(
        name = "deadletter",
        description = {
            "Shows and handles dead letters: items that a destination refused while it took others.",
            "Asks the running daemon; without one, works on the state directory itself."
        },
        mixinStandardHelpOptions = true)
final class DeadLetterCommand {

    private static final String JSON_ALWAYS = "Taken as elsewhere; this is JSON without it, too.";

    private final Program program;

    @Option(
            names = "--config",
            required = true,
            scope = picocli.CommandLine.ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "The daemon's configuration.")
    private Path config = Path.of("edge.toml");

    DeadLetterCommand(Program program) {
        this.program = program;
    }

    @Command(
            name = "list",
            description = "One JSON object a letter, oldest first.",
            mixinStandardHelpOptions = true)
    int list(@Option(names = "--json", description = JSON_ALWAYS) boolean json) {
        long after = 0;
        while (true) {
            String page = ask("list", Map.of("after", Long.toString(after)));
            program.out().print(page);
            List<String> lines = page.lines().toList();
            if (lines.size() < LetterCommands.MOST) return ExitCode.CLEAN.code();
            after = number(lines.getLast());
        }
    }

    private static long number(String line) {
        String digits = line.replaceFirst("^\\{\"letter\":([0-9]+).*$", "$1");
        return Long.parseLong(digits);
    }

    @Command(
            name = "inspect",
            description = "Letters with their bodies: one JSON object each, the body in base64.",
            mixinStandardHelpOptions = true)
    int inspect(
            @Parameters(arity = "1..*", paramLabel = "LETTER", description = "Numbers, see list.")
                    List<Long> letters,
            @Option(names = "--json", description = JSON_ALWAYS) boolean json) {
        return print("inspect", Map.of("letters", joined(letters)));
    }

    @Command(
            name = "retry",
            description = "Sends letters once more to the destination that refused them.",
            mixinStandardHelpOptions = true)
    int retry(
            @Parameters(arity = "0..*", paramLabel = "LETTER", description = "Numbers, see list.")
                    List<Long> letters,
            @Option(names = "--all", description = "All letters.") boolean all,
            @Option(
                            names = "--destination",
                            paramLabel = "NAME",
                            description = "Only those that this destination refused.")
                    Optional<String> destination) {
        return print("retry", chosen(letters, all, destination));
    }

    @Command(
            name = "purge",
            description = "Gives letters up. Only says what would go, unless --force is given.",
            mixinStandardHelpOptions = true)
    int purge(
            @Parameters(arity = "0..*", paramLabel = "LETTER", description = "Numbers, see list.")
                    List<Long> letters,
            @Option(names = "--all", description = "All letters.") boolean all,
            @Option(
                            names = "--destination",
                            paramLabel = "NAME",
                            description = "Only those that this destination refused.")
                    Optional<String> destination,
            @Option(
                            names = "--older-than",
                            paramLabel = "TIME",
                            description = "Only those that are older, for example 720h.")
                    Optional<Duration> olderThan,
            @Option(names = "--force", description = "Do it.") boolean force) {
        var query = new LinkedHashMap<>(chosen(letters, all, destination));
        olderThan.ifPresent(age -> query.put("olderThanSeconds", Long.toString(age.toSeconds())));
        if (force) query.put("force", "");
        return print("purge", query);
    }

    private static Map<String, String> chosen(
            List<Long> letters, boolean all, Optional<String> destination) {
        var query = new LinkedHashMap<String, String>();
        List<Long> named = letters == null ? List.of() : new ArrayList<>(letters);
        if (!named.isEmpty()) query.put("letters", joined(named));
        if (all) query.put("all", "");
        if (named.isEmpty() != all)
            throw new ExitException(ExitCode.USAGE, "name letters, or give --all");
        destination.ifPresent(name -> query.put("destination", name));
        return query;
    }

    private static String joined(List<Long> letters) {
        return letters.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    private int print(String command, Map<String, String> query) {
        program.out().print(ask(command, query));
        return ExitCode.CLEAN.code();
    }

    private String ask(String command, Map<String, String> query) {
        EdgeConfig read = Main.read(config);
        return ControlClient.ask(read, "deadletter-" + command, query)
                .orElseGet(() -> offline(read, command, query));
    }

    private static String offline(EdgeConfig config, String command, Map<String, String> query) {
        Path path = config.storage().dir();
        if (command.equals("retry"))
            throw new ExitException(
                    ExitCode.USAGE,
                    "no daemon runs with this configuration, and only a daemon can send letters");
        Map<String, List<String>> parameters =
                query.entrySet().stream()
                        .collect(
                                Collectors.toMap(
                                        Map.Entry::getKey, entry -> List.of(entry.getValue())));
        if (!java.nio.file.Files.isDirectory(path))
            throw new ExitException(ExitCode.STATE_DIRECTORY, path + " does not exist");
        try (var _ = DirectoryLock.take(path, "process " + ProcessHandle.current().pid());
                var letters =
                        new DeadLetters(
                                Options.deadLetters(config),
                                LetterLog.in(config),
                                InstantSource.system(),
                                new SimpleMeterRegistry())) {
            letters.start();
            var commands = new LetterCommands(letters, InstantSource.system());
            return switch (command) {
                case "list" -> commands.list(parameters);
                case "inspect" -> commands.inspect(parameters);
                default -> commands.purge(parameters);
            };
        } catch (IllegalArgumentException e) {
            throw new ExitException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.STATE_DIRECTORY, path + " cannot be used: " + e.getMessage(), e);
        }
    }
}
