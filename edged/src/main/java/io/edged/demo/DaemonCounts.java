package io.edged.demo;

/**
 * What a running daemon has done since it started, and what is left to do.
 *
 * @param acknowledgedItems log records, spans and data points answered with success, so durable
 * @param deliveredItems items that destinations have accepted
 * @param waitingItems items in the log that some destination has yet to get
 * @param diskBytes what the log takes on disk
 */
public record DaemonCounts(
        long acknowledgedItems, long deliveredItems, long waitingItems, long diskBytes) {}
