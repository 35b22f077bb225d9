package io.edged.daemon;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Tells the service manager how the daemon fares, over the socket that {@code NOTIFY_SOCKET} names,
 * as sd_notify(3) describes it: ready, reloading, stopping, and, as long as the daemon is live,
 * that the watchdog need not bite. Without that variable every call does nothing.
 *
 * <p>Java has no datagram socket of the Unix kind, so that the C library is called. Where that
 * fails there is one log line and the daemon goes on; the service manager then acts on the silence.
 *
 * <p>Any thread may call.
 */
public final class ServiceManager implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ServiceManager.class.getName());

    private static final String SOCKET = "NOTIFY_SOCKET";
    private static final String WATCHDOG_MICROS = "WATCHDOG_USEC";
    private static final String WATCHDOG_PROCESS = "WATCHDOG_PID";

    /** {@code sun_path} of {@code struct sockaddr_un}. */
    private static final int MAX_PATH_BYTES = 108;

    private final @Nullable Datagrams datagrams;
    private final @Nullable ScheduledExecutorService feeder;
    private boolean failed;

    private ServiceManager(
            @Nullable Datagrams datagrams, Optional<Duration> watchdog, Health health) {
        this.datagrams = datagrams;
        if (datagrams == null || watchdog.isEmpty()) {
            feeder = null;
            return;
        }
        feeder =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().name("watchdog").daemon(true).factory());
        LOG.log(
                Level.INFO,
                "the service manager watches; watchdog_seconds={0}",
                watchdog.get().toSeconds());
        // Twice within the time that is allowed, as sd_watchdog_enabled(3) advises.
        long half = watchdog.get().toNanos() / 2;
        var _ =
                feeder.scheduleAtFixedRate(
                        () -> feed(health), 0, Math.max(half, 1_000_000), TimeUnit.NANOSECONDS);
    }

    /**
     * Connects to the service manager that started this process, if one did.
     *
     * @param environment of this process
     * @param health while it is live the watchdog is fed
     */
    public static ServiceManager connect(Map<String, String> environment, Health health) {
        String path = environment.getOrDefault(SOCKET, "");
        if (path.isEmpty()) return new ServiceManager(null, Optional.empty(), health);
        try {
            return new ServiceManager(new Datagrams(path), watchdog(environment), health);
        } catch (Exception | LinkageError e) {
            LOG.log(
                    Level.WARNING,
                    "the service manager cannot be told anything; socket={0} error={1}",
                    path,
                    e);
            return new ServiceManager(null, Optional.empty(), health);
        }
    }

    /** How soon the service manager wants to hear from this process, if it does. */
    static Optional<Duration> watchdog(Map<String, String> environment) {
        String process = environment.getOrDefault(WATCHDOG_PROCESS, "");
        if (!process.isEmpty() && !process.equals(Long.toString(ProcessHandle.current().pid())))
            return Optional.empty();
        try {
            long micros = Long.parseLong(environment.getOrDefault(WATCHDOG_MICROS, "0"));
            return micros > 0
                    ? Optional.of(Duration.of(micros, java.time.temporal.ChronoUnit.MICROS))
                    : Optional.empty();
        } catch (NumberFormatException e) {
            LOG.log(
                    Level.WARNING,
                    "the watchdog stays off, WATCHDOG_USEC is not a number; value={0}",
                    environment.get(WATCHDOG_MICROS));
            return Optional.empty();
        }
    }

    /** The daemon takes telemetry. */
    public void ready() {
        send("READY=1\nSTATUS=taking telemetry");
    }

    /** A new configuration is being looked at; {@link #ready} ends that. */
    public void reloading() {
        // The clock is that of CLOCK_MONOTONIC, which is what nanoTime reads on Linux.
        send("RELOADING=1\nMONOTONIC_USEC=" + System.nanoTime() / 1_000);
    }

    /** The ordered stop has begun. */
    public void stopping() {
        send("STOPPING=1\nSTATUS=stopping");
    }

    private void feed(Health health) {
        // A daemon that does not live is left to the service manager, which restarts it.
        if (health.report(Health.Kind.LIVE, Set.of()).ok()) send("WATCHDOG=1");
    }

    private synchronized void send(String message) {
        if (datagrams == null) return;
        int error = datagrams.send(message);
        if (error != 0 && !failed) {
            failed = true;
            LOG.log(Level.WARNING, "the service manager does not take messages; errno={0}", error);
        }
    }

    @Override
    public void close() {
        stopping();
        if (feeder != null) feeder.shutdown();
        synchronized (this) {
            if (datagrams != null) datagrams.close();
        }
    }

    /** One datagram socket of the C library and the address of its only peer. */
    private static final class Datagrams {
        private static final int AF_UNIX = 1;
        private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
        private static final int MSG_NOSIGNAL = 0x4000;
        private static final int MSG_DONTWAIT = 0x40;

        private final Arena arena = Arena.ofShared();
        private final MethodHandle sendto;
        private final MethodHandle closeDescriptor;
        private final MemorySegment address;
        private final int addressBytes;
        private final MemorySegment errors;
        private final int descriptor;
        private boolean closed;

        @SuppressWarnings("restricted") // the launcher allows it: --enable-native-access
        Datagrams(String path) {
            byte[] name = path.getBytes(StandardCharsets.UTF_8);
            if (name.length >= MAX_PATH_BYTES || (name[0] != '/' && name[0] != '@'))
                throw new IllegalArgumentException(
                        SOCKET + " is neither a path nor an abstract name: " + path);
            boolean abstractName = name[0] == '@';
            address = arena.allocate(2 + MAX_PATH_BYTES, 2);
            address.set(JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment.copy(name, 0, address, JAVA_BYTE, 2, name.length);
            if (abstractName) address.set(JAVA_BYTE, 2, (byte) 0);
            addressBytes = 2 + name.length + (abstractName ? 0 : 1);

            Linker linker = Linker.nativeLinker();
            SymbolLookup library = linker.defaultLookup();
            var errno = Linker.Option.captureCallState("errno");
            errors = arena.allocate(Linker.Option.captureStateLayout());
            sendto =
                    linker.downcallHandle(
                            library.findOrThrow("sendto"),
                            FunctionDescriptor.of(
                                    JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS,
                                    JAVA_INT),
                            errno);
            closeDescriptor =
                    linker.downcallHandle(
                            library.findOrThrow("close"),
                            FunctionDescriptor.of(JAVA_INT, JAVA_INT));
            MethodHandle socket =
                    linker.downcallHandle(
                            library.findOrThrow("socket"),
                            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
                            errno);
            try {
                descriptor = (int) socket.invokeExact(errors, AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
            } catch (Throwable e) {
                throw new IllegalStateException("socket cannot be called", e);
            }
            if (descriptor < 0) throw new IllegalStateException("socket: errno " + errno());
        }

        /** The number of the error, 0 for none. Never waits: a full socket is an error too. */
        int send(String message) {
            if (closed) return 0;
            byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
            try (Arena call = Arena.ofConfined()) {
                MemorySegment buffer = call.allocateFrom(JAVA_BYTE, bytes);
                long sent =
                        (long)
                                sendto.invokeExact(
                                        errors,
                                        descriptor,
                                        buffer,
                                        (long) bytes.length,
                                        MSG_NOSIGNAL | MSG_DONTWAIT,
                                        address,
                                        addressBytes);
                return sent < 0 ? errno() : 0;
            } catch (Throwable e) {
                throw new IllegalStateException("sendto cannot be called", e);
            }
        }

        private int errno() {
            return errors.get(JAVA_INT, 0);
        }

        void close() {
            if (closed) return;
            closed = true;
            try {
                int _ = (int) closeDescriptor.invokeExact(descriptor);
            } catch (Throwable e) {
                throw new IllegalStateException("close cannot be called", e);
            }
            arena.close();
        }
    }
}
