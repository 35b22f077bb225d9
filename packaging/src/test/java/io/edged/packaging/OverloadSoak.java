package io.edged.packaging;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

/**
 * Far more than the disk takes, from many connections, with slow senders and bombs among them; run
 * by {@code make soak-overload}. Ends with an error unless memory stays under the cap, every
 * success is in the log after the daemon was killed and started again, every refusal for load says
 * when to come back, and {@code /livez} always says yes.
 */
final class OverloadSoak {

    private static final int CONNECTIONS = Integer.getInteger("soak.connections", 2_000);
    private static final int SLOW = 100;
    private static final int BOMBERS = 20;
    private static final long MILLIS = Long.getLong("soak.millis", 60_000);
    private static final double CAP_MEBIBYTES = Integer.getInteger("soak.mebibytes", 512);
    private static final int RECORDS = 2_400;

    /** A slow disk, of which the load is far more than even this machine could offer a fast one. */
    private static final long DISK_BITS_PER_SECOND =
            8_000_000L * Integer.getInteger("soak.disk_mb", 8);

    private static final int DISK_MEBIBYTES = 3 << 10;
    private static final Pattern ACCEPTED = Pattern.compile("\"accepted\"\\s*:\\s*(\\d+)");

    private final AtomicLong offeredBytes = new AtomicLong();
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong refusedWithoutHint = new AtomicLong();
    private final AtomicLong otherAnswers = new AtomicLong();
    private final AtomicLong broken = new AtomicLong();
    private final AtomicLong bombsRefused = new AtomicLong();
    private final AtomicLong bombsTaken = new AtomicLong();
    private final AtomicBoolean over = new AtomicBoolean();

    private OverloadSoak() {}

    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("target"), "soak");
        try (var disk = SmallDisk.thatIsSlow(directory, DISK_MEBIBYTES, DISK_BITS_PER_SECOND)) {
            Path state = Files.createDirectory(disk.path().resolve("soak"));
            new OverloadSoak().run(state);
        } finally {
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList())
                    Files.delete(file);
            }
        }
    }

    private void run(Path directory) throws Exception {
        String more = "receiver.max_connections = " + (CONNECTIONS + SLOW + BOMBERS + 50);
        byte[] body = LoadGenerator.logs(RECORDS, 430, 1);
        double peak = 0;
        long dead = 0;
        long probes = 0;
        Path config = directory.resolve("edge.toml");
        URI admin;
        try (var receiver = ReceiverUnderTest.start(directory, "2 GiB", "16 MiB", more)) {
            admin = receiver.admin();
            var threads = new ArrayList<Thread>();
            byte[] request = request(body, "");
            byte[] bomb = request(bomb(), "Content-Encoding: gzip\r\n");
            for (int i = 0; i < CONNECTIONS; i++)
                threads.add(Thread.ofVirtual().start(() -> load(receiver.httpAddress(), request)));
            for (int i = 0; i < SLOW; i++)
                threads.add(Thread.ofVirtual().start(() -> crawl(receiver.httpAddress())));
            for (int i = 0; i < BOMBERS; i++)
                threads.add(
                        Thread.ofVirtual().start(() -> throwBombs(receiver.httpAddress(), bomb)));
            long end = System.nanoTime() + MILLIS * 1_000_000;
            while (System.nanoTime() < end) {
                probes++;
                if (Application.get(admin.resolve("/livez")).statusCode() != 200) dead++;
                peak = Math.max(peak, IngestBench.residentMebibytes(receiver.daemon().pid()));
                Thread.sleep(200);
            }
            over.set(true);
            for (Thread thread : threads) thread.join(20_000);
            receiver.daemon().kill();
        }
        long inTheLog;
        try (var again = Application.start("run", "--config", config.toString())) {
            again.awaitReady(admin);
            inTheLog = acceptedItems(Application.get(admin.resolve("/status")).body());
        }
        double seconds = MILLIS / 1e3;
        System.out.printf(
                Locale.ROOT,
                "offered %.0f MiB/s, taken %.0f MiB/s (%.1f times), refused %d, without a hint %d,"
                        + " other answers %d, broken connections %d%n",
                offeredBytes.get() / seconds / (1 << 20),
                (double) accepted.get() * body.length / seconds / (1 << 20),
                (double) offeredBytes.get() / Math.max(1, accepted.get() * body.length),
                refused.get(),
                refusedWithoutHint.get(),
                otherAnswers.get(),
                broken.get());
        System.out.printf(
                Locale.ROOT,
                "bombs refused %d, taken %d; /livez asked %d times, not 200 %d times; peak resident"
                        + " %.0f MiB of %.0f; items acknowledged %d, in the log after a kill %d%n",
                bombsRefused.get(),
                bombsTaken.get(),
                probes,
                dead,
                peak,
                CAP_MEBIBYTES,
                accepted.get() * RECORDS,
                inTheLog);
        boolean good =
                peak <= CAP_MEBIBYTES
                        && dead == 0
                        && accepted.get() > 0
                        && refused.get() > 0
                        && refusedWithoutHint.get() == 0
                        && bombsRefused.get() > 0
                        && bombsTaken.get() == 0
                        && inTheLog >= accepted.get() * RECORDS;
        if (!good) throw new AssertionError("the overload was not borne as it must be");
    }

    private static long acceptedItems(String status) {
        Matcher match = ACCEPTED.matcher(status);
        long items = 0;
        while (match.find()) items = Math.max(items, Long.parseLong(match.group(1)));
        return items;
    }

    /** Sends at once what is refused, which no good client does. */
    private void load(InetSocketAddress address, byte[] request) {
        while (!over.get()) {
            try (var socket = new Socket()) {
                socket.connect(address);
                socket.setSoTimeout(60_000);
                InputStream in = new BufferedInputStream(socket.getInputStream());
                while (!over.get()) {
                    socket.getOutputStream().write(request);
                    offeredBytes.addAndGet(request.length);
                    String head = answer(in);
                    switch (head.substring(9, 12)) {
                        case "200" -> accepted.incrementAndGet();
                        case "429", "503" -> {
                            refused.incrementAndGet();
                            if (!head.contains("retry-after:"))
                                refusedWithoutHint.incrementAndGet();
                        }
                        default -> otherAnswers.incrementAndGet();
                    }
                    if (head.contains("connection: close")) break;
                }
            } catch (IOException e) {
                broken.incrementAndGet();
            }
        }
    }

    /** A header that never ends, a byte a second. */
    private void crawl(InetSocketAddress address) {
        while (!over.get()) {
            try (var socket = new Socket()) {
                socket.connect(address);
                socket.getOutputStream()
                        .write("POST /v1/logs HTTP/1.1\r\nX: ".getBytes(StandardCharsets.US_ASCII));
                while (!over.get()) {
                    socket.getOutputStream().write('x');
                    Thread.sleep(1_000);
                }
            } catch (IOException e) {
                // The daemon has had enough of it, as it must.
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void throwBombs(InetSocketAddress address, byte[] bomb) {
        while (!over.get()) {
            try (var socket = new Socket()) {
                socket.connect(address);
                socket.setSoTimeout(60_000);
                socket.getOutputStream().write(bomb);
                String head = answer(new BufferedInputStream(socket.getInputStream()));
                if (head.startsWith("HTTP/1.1 200")) bombsTaken.incrementAndGet();
                else bombsRefused.incrementAndGet();
                Thread.sleep(50);
            } catch (IOException e) {
                broken.incrementAndGet();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static byte[] request(byte[] body, String fields) {
        var request = new ByteArrayOutputStream();
        request.writeBytes(
                ("POST /v1/logs HTTP/1.1\r\nHost: edge\r\nContent-Type: application/x-protobuf\r\n"
                                + fields
                                + "Content-Length: "
                                + body.length
                                + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        request.writeBytes(body);
        return request.toByteArray();
    }

    /**
     * One unknown field of 64 MiB of zeros in 64 KiB: good protobuf, a thousand bytes out of one.
     */
    private static byte[] bomb() throws IOException {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(new byte[] {0x7a, (byte) 0x80, (byte) 0x80, (byte) 0x80, 0x20});
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 64; i++) out.write(zeros);
        }
        return packed.toByteArray();
    }

    /** The head of an answer, in lower case behind its first line; the body is thrown away. */
    private static String answer(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
            int octet = in.read();
            if (octet < 0) throw new EOFException("the connection ended");
            head.append((char) octet);
        }
        String text = head.toString();
        int length = text.indexOf("content-length:");
        if (length >= 0)
            in.skipNBytes(
                    Integer.parseInt(
                            text.substring(length + 15, text.indexOf('\r', length)).strip()));
        return text;
    }
}
