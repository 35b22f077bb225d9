package io.edged.otlp;

import java.util.List;
import java.util.Optional;

/**
 * The kinds of OTLP data, with the code that the log writes for each, and the path and the service
 * that OTLP/HTTP and OTLP/gRPC give it.
 */
public enum Signal {
    LOGS(1, "logs", "/v1/logs", "logs.v1.LogsService"),
    METRICS(2, "metrics", "/v1/metrics", "metrics.v1.MetricsService"),
    TRACES(3, "traces", "/v1/traces", "trace.v1.TraceService");

    /** Once: each call of {@code values()} makes an array. */
    private static final List<Signal> ALL = List.of(values());

    private final int code;
    private final String label;
    private final String path;
    private final String service;
    private final String method;

    Signal(int code, String label, String path, String service) {
        this.service = "opentelemetry.proto.collector." + service;
        this.method = "/" + this.service + "/Export";
        this.code = code;
        this.label = label;
        this.path = path;
    }

    /** The byte that stands for this signal in a frame; never changes. */
    public int code() {
        return code;
    }

    /** Lower case, as in metric labels and log lines. */
    public String label() {
        return label;
    }

    /** The OTLP/HTTP path, with its leading slash. */
    public String path() {
        return path;
    }

    /** The full name of the OTLP/gRPC service. */
    public String service() {
        return service;
    }

    /** The path of a call of OTLP/gRPC, with its leading slash. */
    public String method() {
        return method;
    }

    /** The signal of a frame's byte, or empty if no version of the format has it. */
    public static Optional<Signal> ofCode(int code) {
        return switch (code) {
            case 1 -> Optional.of(LOGS);
            case 2 -> Optional.of(METRICS);
            case 3 -> Optional.of(TRACES);
            default -> Optional.empty();
        };
    }

    /** The signal of an OTLP/gRPC call, or empty if its path is none of theirs. */
    public static Optional<Signal> ofMethod(String path) {
        for (Signal signal : ALL) if (signal.method.equals(path)) return Optional.of(signal);
        return Optional.empty();
    }

    /** The signal of an OTLP/HTTP path, or empty if nothing is received there. */
    public static Optional<Signal> ofPath(String path) {
        for (Signal signal : ALL) if (signal.path.equals(path)) return Optional.of(signal);
        return Optional.empty();
    }
}
