package io.edged.demo;

import java.net.InetSocketAddress;

/** A daemon at work in this process. Any thread may ask; closing stops it in order. */
public interface RunningDaemon extends AutoCloseable {

    /** Where it takes OTLP/HTTP. */
    InetSocketAddress otlp();

    /** Where it answers /metrics, /livez, /readyz and /status. */
    InetSocketAddress admin();

    DaemonCounts counts();

    /** Stops taking telemetry, lets go of upstream and closes the log, in this order. */
    @Override
    void close();
}
