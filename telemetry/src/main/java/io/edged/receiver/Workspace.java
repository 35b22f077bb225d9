package io.edged.receiver;

import io.edged.otlp.Gunzip;
import io.edged.otlp.Skim;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/** Scratch memory that all connections of one event loop share; only that thread uses it. */
final class Workspace implements AutoCloseable {

    private static final int INFLATED_BYTES = 64 << 10;

    /** Decompressors kept for the next body; more are closed. */
    private static final int IDLE_GUNZIPS = 4;

    /** Skims kept for the next request of an HTTP/2 connection. */
    private static final int IDLE_SKIMS = 64;

    private final byte[] skimScratch = new byte[Skim.SCRATCH_BYTES];
    private final ArrayDeque<Gunzip> idle = new ArrayDeque<>(IDLE_GUNZIPS);
    private final ArrayDeque<Skim> idleSkims = new ArrayDeque<>();
    private @Nullable ByteBuffer inflated;

    Skim newSkim() {
        return new Skim(skimScratch);
    }

    /** A skim, until {@link #giveBack(Skim)}. */
    Skim takeSkim() {
        Skim ready = idleSkims.pollFirst();
        return ready == null ? newSkim() : ready;
    }

    void giveBack(Skim skim) {
        if (idleSkims.size() < IDLE_SKIMS) idleSkims.addFirst(skim);
    }

    /** A decompressor, until {@link #giveBack(Gunzip)}. */
    Gunzip takeGunzip() {
        Gunzip ready = idle.pollFirst();
        if (ready != null) return ready;
        if (inflated == null) inflated = ByteBuffer.allocateDirect(INFLATED_BYTES);
        return new Gunzip(inflated);
    }

    void giveBack(Gunzip gunzip) {
        if (idle.size() < IDLE_GUNZIPS) idle.addFirst(gunzip);
        else gunzip.close();
    }

    @Override
    public void close() {
        for (Gunzip gunzip : idle) gunzip.close();
        idle.clear();
    }
}
