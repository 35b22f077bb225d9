package io.edged.receiver;

import io.edged.otlp.Requests;
import io.edged.otlp.Signal;
import io.edged.wal.DiscardingLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the receiver costs in front of a log that is infinitely fast. Not a test: run its main with
 * the test class path; arguments: connections (8), records a request (100), seconds (10). The
 * senders run in the same process; the processor time is that of the event loops alone.
 */
public final class ReceiverBenchmark {

    private ReceiverBenchmark() {}

    public static void main(String[] args) throws Exception {
        int connections = args.length > 0 ? Integer.parseInt(args[0]) : 8;
        int records = args.length > 1 ? Integer.parseInt(args[1]) : 100;
        int seconds = args.length > 2 ? Integer.parseInt(args[2]) : 10;
        var listen = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        byte[] body = Requests.typicalLogs(records);
        byte[] head =
                RawClient.head(Signal.LOGS.path(), "Content-Length: " + body.length)
                        .getBytes(StandardCharsets.US_ASCII);
        byte[] request = new byte[head.length + body.length];
        System.arraycopy(head, 0, request, 0, head.length);
        System.arraycopy(body, 0, request, head.length, body.length);
        var answered = new AtomicLong();
        try (var log = new DiscardingLog();
                var receiver =
                        Receiver.start(
                                ReceiverOptions.at(listen), log, new SimpleMeterRegistry())) {
            var senders = new ArrayList<Thread>();
            long end = System.nanoTime() + seconds * 1_000_000_000L;
            for (int i = 0; i < connections; i++)
                senders.add(
                        Thread.ofPlatform().start(() -> send(receiver, request, end, answered)));
            Thread.sleep(seconds * 500L);
            long requests = answered.get();
            long cpu = eventLoopNanos();
            long start = System.nanoTime();
            for (Thread sender : senders) sender.join();
            double million = (answered.get() - requests) * (double) records / 1e6;
            double elapsed = (System.nanoTime() - start) / 1e9;
            System.out.printf(
                    "%d x %d: %.2f million records/s, %.3f CPU s per million in the receiver%n",
                    connections,
                    records,
                    million / elapsed,
                    (eventLoopNanos() - cpu) / 1e9 / million);
        }
    }

    private static void send(Receiver receiver, byte[] request, long end, AtomicLong answered) {
        byte[] answer = new byte[4096];
        try (var socket = new Socket()) {
            socket.connect(receiver.address());
            socket.setTcpNoDelay(true);
            InputStream in = socket.getInputStream();
            while (System.nanoTime() < end) {
                socket.getOutputStream().write(request);
                if (in.read(answer) < 0) throw new IOException("the receiver closed");
                if (answer[9] != '2') throw new IOException("refused");
                answered.incrementAndGet();
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static long eventLoopNanos() {
        var threads = ManagementFactory.getThreadMXBean();
        long nanos = 0;
        for (var thread : threads.getThreadInfo(threads.getAllThreadIds()))
            if (thread != null && thread.getThreadName().startsWith("edged-receiver"))
                nanos += threads.getThreadCpuTime(thread.getThreadId());
        return nanos;
    }
}
