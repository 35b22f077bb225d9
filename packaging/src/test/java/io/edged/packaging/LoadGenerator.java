package io.edged.packaging;

import com.google.protobuf.ByteString;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/**
 * Sends the same OTLP/HTTP logs request over several connections, one request in flight on each,
 * from one thread. It does as little as it can, for it shares the machine with what it measures.
 */
final class LoadGenerator implements AutoCloseable {

    /**
     * What a run has seen.
     *
     * @param accepted answers that said success; the latencies are theirs
     */
    record Result(long accepted, long refused, long nanos, double medianMillis, double p99Millis) {}

    private static final int MAX_SAMPLES = 1 << 20;
    private static final byte[] HEADERS_END = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final Selector selector;
    private final ByteBuffer request;

    LoadGenerator(InetSocketAddress address, int connections, byte[] body) throws IOException {
        this(address, connections, body, "");
    }

    /**
     * With more header fields.
     *
     * @param fields lines of the header, each with its end
     */
    LoadGenerator(InetSocketAddress address, int connections, byte[] body, String fields)
            throws IOException {
        selector = Selector.open();
        byte[] head =
                ("POST /v1/logs HTTP/1.1\r\n"
                                + "Host: localhost\r\n"
                                + "Content-Type: application/x-protobuf\r\n"
                                + "Content-Length: "
                                + body.length
                                + "\r\n"
                                + fields
                                + "\r\n")
                        .getBytes(StandardCharsets.US_ASCII);
        request = ByteBuffer.allocateDirect(head.length + body.length).put(head).put(body).flip();
        for (int i = 0; i < connections; i++) {
            SocketChannel channel = SocketChannel.open(address);
            channel.configureBlocking(false);
            channel.register(selector, SelectionKey.OP_READ, new Connection(channel));
        }
    }

    /** A request of {@code records} log records, each {@code recordBytes} on the wire. */
    static byte[] logs(int records, int recordBytes, long seed) {
        var random = new Random(seed);
        var scope = ScopeLogs.newBuilder();
        for (int i = 0; i < records; i++) scope.addLogRecords(record(recordBytes, random));
        return ExportLogsServiceRequest.newBuilder()
                .addResourceLogs(ResourceLogs.newBuilder().addScopeLogs(scope))
                .build()
                .toByteArray();
    }

    private static LogRecord record(int bytes, Random random) {
        byte[] trace = new byte[16];
        random.nextBytes(trace);
        var text = new StringBuilder("request served in the usual way ");
        while (text.length() < bytes) text.append((char) ('a' + random.nextInt(26)));
        LogRecord.Builder record =
                LogRecord.newBuilder()
                        .setTimeUnixNano(1_700_000_000_000_000_000L + random.nextInt())
                        .setSeverityText("INFO")
                        .setTraceId(ByteString.copyFrom(trace))
                        .addAttributes(
                                KeyValue.newBuilder()
                                        .setKey("http.route")
                                        .setValue(
                                                AnyValue.newBuilder()
                                                        .setStringValue("/orders/{id}")));
        int length = bytes;
        while (true) {
            LogRecord built =
                    record.setBody(AnyValue.newBuilder().setStringValue(text.substring(0, length)))
                            .build();
            if (built.getSerializedSize() <= bytes) return built;
            length -= Math.max(1, built.getSerializedSize() - bytes);
        }
    }

    /** Keeps every connection busy for {@code millis} and waits for the last answers. */
    Result run(long millis) throws IOException {
        var run = new Run(System.nanoTime() + millis * 1_000_000);
        long begin = System.nanoTime();
        for (SelectionKey key : selector.keys()) connection(key).send(run, key);
        while (run.open > 0) {
            if (selector.select(10_000) == 0)
                throw new IOException(run.open + " requests were not answered in 10 s");
            for (SelectionKey key : selector.selectedKeys()) {
                if (key.isWritable()) connection(key).write(key);
                if (key.isReadable()) connection(key).read(run, key);
            }
            selector.selectedKeys().clear();
        }
        long[] latencies = java.util.Arrays.copyOf(run.latencies, run.samples);
        java.util.Arrays.sort(latencies);
        return new Result(
                run.answered,
                run.refused,
                System.nanoTime() - begin,
                millis(latencies, 0.5),
                millis(latencies, 0.99));
    }

    private static double millis(long[] sorted, double quantile) {
        if (sorted.length == 0) return Double.NaN;
        return sorted[(int) Math.min(sorted.length - 1, quantile * sorted.length)] / 1e6;
    }

    private static Connection connection(SelectionKey key) {
        return (Connection) key.attachment();
    }

    @Override
    public void close() throws IOException {
        for (SelectionKey key : selector.keys()) key.channel().close();
        selector.close();
    }

    private static final class Run {
        private final long end;
        private final long[] latencies = new long[MAX_SAMPLES];
        private int samples;
        private long answered;
        private long refused;
        private int open;

        Run(long end) {
            this.end = end;
        }
    }

    private final class Connection {
        private final SocketChannel channel;
        private final ByteBuffer out = request.duplicate();
        private final ByteBuffer in = ByteBuffer.allocateDirect(16 << 10);
        private long sentNanos;

        Connection(SocketChannel channel) {
            this.channel = channel;
        }

        void send(Run run, SelectionKey key) throws IOException {
            run.open++;
            sentNanos = System.nanoTime();
            out.clear().limit(request.limit());
            write(key);
        }

        void write(SelectionKey key) throws IOException {
            channel.write(out);
            key.interestOps(
                    out.hasRemaining()
                            ? SelectionKey.OP_READ | SelectionKey.OP_WRITE
                            : SelectionKey.OP_READ);
        }

        void read(Run run, SelectionKey key) throws IOException {
            if (channel.read(in) < 0) throw new IOException("the daemon closed a connection");
            int bytes = answerBytes();
            if (bytes < 0) return;
            boolean accepted = in.get(9) == '2';
            in.flip().position(bytes);
            in.compact();
            run.open--;
            if (accepted) {
                run.answered++;
                if (run.samples < MAX_SAMPLES)
                    run.latencies[run.samples++] = System.nanoTime() - sentNanos;
            } else {
                run.refused++;
            }
            if (System.nanoTime() < run.end) send(run, key);
        }

        /** Length of the answer in the buffer, or -1 while it is not complete. */
        private int answerBytes() {
            byte[] seen = new byte[in.position()];
            in.get(0, seen);
            String text = new String(seen, StandardCharsets.ISO_8859_1);
            int end = text.indexOf("\r\n\r\n");
            if (end < 0) return -1;
            String head = text.substring(0, end).toLowerCase(java.util.Locale.ROOT);
            int at = head.indexOf("content-length:");
            int length = 0;
            if (at >= 0) {
                int lineEnd = head.indexOf('\r', at);
                length =
                        Integer.parseInt(
                                head.substring(at + 15, lineEnd < 0 ? head.length() : lineEnd)
                                        .strip());
            }
            int total = end + HEADERS_END.length + length;
            return total <= seen.length ? total : -1;
        }
    }
}
