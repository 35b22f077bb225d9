package io.edged.demo;

import io.edged.daemon.ExitCode;
import io.edged.daemon.LifeCycle;

import java.io.PrintStream;
import java.net.URI;
import java.time.Duration;

/** The producer alone, against a receiver that is already there. */
public final class Demo {
    private Demo() {}

    /** Measures until the life cycle is to stop, saying once a second how it goes. */
    public static ExitCode run(
            URI endpoint, String run, int perSecond, LifeCycle lifeCycle, PrintStream out)
            throws InterruptedException {
        out.println("producer -> " + endpoint + "  run " + run);
        var producer = new Producer(endpoint, run);
        try (producer;
                var _ = new Pace("demo", perSecond, producer::round)) {
            while (!lifeCycle.awaitStop(Duration.ofSeconds(1))) print(producer, out);
        }
        print(producer, out);
        return lifeCycle.awaitStop().code();
    }

    private static void print(Producer producer, PrintStream out) {
        out.println(
                "measurements "
                        + producer.rounds()
                        + ", log records and spans acknowledged "
                        + producer.acknowledged()
                        + ", given up "
                        + producer.givenUp());
        out.flush();
    }
}
