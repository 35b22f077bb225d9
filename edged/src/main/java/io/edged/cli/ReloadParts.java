package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.Logging;
import io.edged.receiver.Receiver;
import io.edged.receiver.ReceiverOptions;

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
            public Runnable prepare(EdgeConfig before, EdgeConfig next) {
                return () -> logging.adjust(Options.logLevel(next), Options.logFormat(next));
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
            public Runnable prepare(EdgeConfig before, EdgeConfig next) {
                var tokens = Options.tokens(next);
                return () -> receiver.replaceTokens(tokens);
            }
        };
    }

    /** What bounds clients. Nobody is thrown out who was let in under other bounds. */
    static Reload.Part limits(Receiver receiver, EdgeConfig atStart) {
        return new Reload.Part() {
            private static final Set<String> KEYS =
                    Set.of(
                            "receiver.max_connections",
                            "receiver.max_connections_per_client",
                            "receiver.header_timeout",
                            "receiver.body_timeout",
                            "receiver.idle_timeout",
                            "limits.memory_bytes",
                            "limits.body_bytes",
                            "limits.record_bytes",
                            "limits.client_items_per_second",
                            "limits.client_bytes_per_second");

            @Override
            public Optional<Reload.Verdict> judge(String key, EdgeConfig read) {
                if (!KEYS.contains(key)) return Optional.empty();
                long largest = read.limits().largestFrameBytes();
                boolean fits =
                        largest <= atStart.wal().segmentBytes()
                                && largest <= atStart.wal().queueBytes();
                return Optional.of(
                        fits || !key.equals("limits.body_bytes")
                                ? Reload.Verdict.YES
                                : new Reload.Verdict(
                                        "takes effect at the next start: the log was opened with"
                                                + " segments or a queue that do not hold such a"
                                                + " body"));
            }

            @Override
            public Runnable prepare(EdgeConfig before, EdgeConfig next) {
                ReceiverOptions options = Options.receiver(next);
                return () -> receiver.change(options.limits(), options.timeouts());
            }
        };
    }
}
