package io.edged.daemon;

/** How a log line looks. */
public enum LogFormat {
    /** {@code ts=… level=info logger=wal.Wal msg="…" key=value}: for people and journals. */
    LOGFMT,
    /** One JSON object a line, every value a string: for machines. */
    JSON
}
