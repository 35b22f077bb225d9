package io.edged.wal;

import io.micrometer.core.instrument.MeterRegistry;

import java.time.InstantSource;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * What a log takes from the world.
 *
 * @param clock wall clock, for {@code written_at} and for people
 * @param nanoTime monotonic clock, nanoseconds
 * @param random gives a new log its id
 * @param meters where the log's meters are registered
 */
public record WalEnvironment(
        InstantSource clock, LongSupplier nanoTime, RandomGenerator random, MeterRegistry meters) {}
