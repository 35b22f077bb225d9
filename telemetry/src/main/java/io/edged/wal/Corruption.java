package io.edged.wal;

/**
 * The ways in which durable data can be damaged; stable names for log lines, metrics and the
 * quarantine's records.
 */
public enum Corruption {
    /** Data that was forced, or whose loss nothing explains, is not there. */
    COMMITTED_DATA_LOST,
    /** The file with the safe point is missing or damaged. */
    SAFE_POINT_BAD,
    /** Seqs are missing between intact frames or segments. */
    SEQ_GAP,
    /** Two segments claim the same seqs. */
    SEQ_NOT_MONOTONIC,
    /** A frame of a group that was forced is damaged. */
    BAD_FRAME
}
