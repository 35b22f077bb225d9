package io.edged.drain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A link of so many bytes a second to a destination that takes everything, in virtual time, which
 * the test lets pass. While it is broken, requests end after a timeout without having been carried.
 */
final class SlowLink implements Sender {

    /** How requests divide the link. */
    enum Connections {
        /** One behind the other, as what a socket's buffer holds: the worst of HTTP/2. */
        ONE_CONNECTION,
        /** Side by side, each as fast as the others. */
        MANY
    }

    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private static final class OnItsWay {
        final Consumer<SendResult> onResult;
        final long bytes;
        double left;
        long answerNanos;
        long silentNanos;

        OnItsWay(Consumer<SendResult> onResult, long bytes, long answerNanos) {
            this.onResult = onResult;
            this.bytes = bytes;
            this.left = (double) bytes;
            this.answerNanos = answerNanos;
        }
    }

    private final Connections connections;
    private final long wayNanos;
    private final List<OnItsWay> underWay = new ArrayList<>();
    private double bytesPerNano;
    private long brokenNanos;
    private long carriedBytes;
    private int mostUnderWay;

    /**
     * @param way from the last byte to the answer
     */
    SlowLink(Connections connections, long bytesPerSecond, Duration way) {
        this.connections = connections;
        this.wayNanos = way.toNanos();
        bytesPerSecond(bytesPerSecond);
    }

    void bytesPerSecond(long bytes) {
        bytesPerNano = (double) bytes / 1e9;
    }

    void breakFor(Duration time) {
        brokenNanos = time.toNanos();
    }

    boolean isUp() {
        return brokenNanos == 0;
    }

    long carriedBytes() {
        return carriedBytes;
    }

    int mostUnderWay() {
        return mostUnderWay;
    }

    /** Holds once so many bytes more were carried. */
    BooleanSupplier after(long bytes) {
        long to = carriedBytes + bytes;
        return () -> carriedBytes >= to;
    }

    @Override
    public void send(Shipment shipment, Consumer<SendResult> onResult) {
        Consumer<SendResult> whenDone =
                result -> {
                    shipment.released().run();
                    onResult.accept(result);
                };
        underWay.add(new OnItsWay(whenDone, shipment.bytes() + Uplink.HEAD_BYTES, wayNanos));
        mostUnderWay = Math.max(mostUnderWay, underWay.size());
    }

    private List<OnItsWay> carried() {
        List<OnItsWay> unsent = underWay.stream().filter(each -> each.left > 0).toList();
        return connections == Connections.MANY ? unsent : unsent.stream().limit(1).toList();
    }

    /** Nanoseconds until something happens of itself; {@link Long#MAX_VALUE} if nothing will. */
    long waitNanos() {
        long wait = brokenNanos > 0 ? brokenNanos : Long.MAX_VALUE;
        List<OnItsWay> carried = carried();
        for (OnItsWay each : underWay)
            if (brokenNanos > 0) wait = Math.min(wait, TIMEOUT.toNanos() - each.silentNanos);
            else if (each.left == 0) wait = Math.min(wait, each.answerNanos);
            else if (carried.contains(each))
                wait = Math.min(wait, (long) (each.left / share(carried)) + 1);
        return wait;
    }

    private double share(List<OnItsWay> carried) {
        return bytesPerNano / (double) carried.size();
    }

    /** Lets time pass, no more than {@link #waitNanos}. */
    void pass(long nanos) {
        if (brokenNanos > 0) {
            brokenNanos -= Math.min(brokenNanos, nanos);
            for (OnItsWay each : List.copyOf(underWay)) {
                each.silentNanos += nanos;
                if (each.silentNanos >= TIMEOUT.toNanos()) fail(each);
            }
            return;
        }
        List<OnItsWay> carried = carried();
        double bytes = (double) nanos * share(carried);
        for (OnItsWay each : List.copyOf(underWay)) {
            if (each.left == 0) {
                each.answerNanos -= nanos;
                if (each.answerNanos <= 0) answer(each);
            } else if (carried.contains(each)) {
                each.left = Math.max(0, each.left - bytes);
            }
        }
    }

    private void answer(OnItsWay each) {
        underWay.remove(each);
        carriedBytes += each.bytes;
        each.onResult.accept(new SendResult.Delivered(0, Optional.empty()));
    }

    private void fail(OnItsWay each) {
        underWay.remove(each);
        each.onResult.accept(
                new SendResult.RetryAfter(
                        SendResult.Reason.TIMEOUT,
                        new TimeoutException().toString(),
                        Optional.empty()));
    }

    @Override
    public void abort() {
        List.copyOf(underWay).forEach(this::fail);
    }
}
