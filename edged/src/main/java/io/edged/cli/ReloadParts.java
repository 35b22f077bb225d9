package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.config.EdgeConfig.Destination;
import io.edged.daemon.Logging;
import io.edged.identity.Identity;
import io.edged.receiver.Receiver;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The parts of the daemon that take a new configuration while they run. */
final class ReloadParts {
    private ReloadParts() {}

    /** Level and format of the lines. */
    static Reload.Part logging(Logging logging) {
        return new Reload.Part() {
            private static final Set<String> KEYS = Set.of("log.level", "log.format");

            @Override
            public Optional<Reload.Verdict> judge(String key, EdgeConfig read) {
                return KEYS.contains(key) ? Optional.of(Reload.Verdict.YES) : Optional.empty();
            }

            @Override
            public Runnable prepare(EdgeConfig read) {
                return () -> logging.adjust(Options.logLevel(read), Options.logFormat(read));
            }
        };
    }

    /** Who may send. Requests that are under way keep what they were let in with. */
    static Reload.Part tokens(Receiver receiver, EdgeConfig atStart) {
        boolean asked = !atStart.receiver().bearerTokens().isEmpty();
        return new Reload.Part() {
            @Override
            public Optional<Reload.Verdict> judge(String key, EdgeConfig read) {
                if (!key.equals("receiver.bearer_tokens")) return Optional.empty();
                return Optional.of(
                        asked == !read.receiver().bearerTokens().isEmpty()
                                ? Reload.Verdict.YES
                                : new Reload.Verdict(
                                        "whether clients have to show a token needs a restart"));
            }

            @Override
            public Runnable prepare(EdgeConfig read) {
                var tokens = Options.tokens(read);
                return () -> receiver.replaceTokens(tokens);
            }
        };
    }

    /**
     * Addresses, credentials, certificates and limits of the destinations there are. One more or
     * one less needs cursors of its own in the log, which are made when it is opened.
     */
    static Reload.Part destinations(LiveDrain drain, Identity identity, EdgeConfig atStart) {
        List<String> names = names(atStart);
        return new Reload.Part() {
            @Override
            public Optional<Reload.Verdict> judge(String key, EdgeConfig read) {
                if (!key.equals("drain.destination")) return Optional.empty();
                return Optional.of(
                        names(read).equals(names)
                                ? Reload.Verdict.YES
                                : new Reload.Verdict(
                                        "destinations were added, removed, renamed or put in"
                                                + " another order, which needs a restart"));
            }

            @Override
            public Runnable prepare(EdgeConfig read) {
                var options = Options.drain(read, identity);
                return () -> drain.change(options);
            }
        };
    }

    private static List<String> names(EdgeConfig config) {
        return config.drain().destinations().stream().map(Destination::name).toList();
    }
}
