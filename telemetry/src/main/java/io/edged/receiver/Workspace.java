package io.edged.receiver;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Decompressor;
import io.edged.otlp.Gunzip;
import io.edged.otlp.JsonConversion;
import io.edged.otlp.Skim;
import io.edged.otlp.Unzstd;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/** Scratch memory that all connections of one event loop share; only that thread uses it. */
final class Workspace implements AutoCloseable {

    private static final int INFLATED_BYTES = 64 << 10;

    /** Decompressors of one kind kept for the next body; more are closed. */
    private static final int IDLE_DECOMPRESSORS = 4;

    /** Skims kept for the next request of an HTTP/2 connection. */
    private static final int IDLE_SKIMS = 64;

    private final byte[] skimScratch = new byte[Skim.SCRATCH_BYTES];
    private final ArrayDeque<Gunzip> gunzips = new ArrayDeque<>(IDLE_DECOMPRESSORS);
    private final ArrayDeque<Unzstd> unzstds = new ArrayDeque<>(IDLE_DECOMPRESSORS);
    private final JsonConversion json = new JsonConversion();
    private final ArrayDeque<Skim> idleSkims = new ArrayDeque<>();
    private @Nullable ByteBuffer inflated;

    Skim newSkim() {
        return new Skim(skimScratch);
    }

    JsonConversion json() {
        return json;
    }

    /** A skim, until {@link #giveBack(Skim)}. */
    Skim takeSkim() {
        Skim ready = idleSkims.pollFirst();
        return ready == null ? newSkim() : ready;
    }

    void giveBack(Skim skim) {
        if (idleSkims.size() < IDLE_SKIMS) idleSkims.addFirst(skim);
    }

    /** A decompressor, until {@link #giveBack}; null for what is not compressed. */
    @Nullable Decompressor takeDecompressor(ContentEncoding encoding) {
        return switch (encoding) {
            case IDENTITY -> null;
            case GZIP -> {
                Gunzip ready = gunzips.pollFirst();
                yield ready == null ? new Gunzip(inflated()) : ready;
            }
            case ZSTD -> {
                Unzstd ready = unzstds.pollFirst();
                yield ready == null ? new Unzstd() : ready;
            }
        };
    }

    void giveBack(Decompressor decompressor) {
        switch (decompressor) {
            case Gunzip gunzip -> {
                if (gunzips.size() < IDLE_DECOMPRESSORS) gunzips.addFirst(gunzip);
                else gunzip.close();
            }
            case Unzstd unzstd -> {
                unzstd.close(); // it may be used again, but holds less
                if (unzstds.size() < IDLE_DECOMPRESSORS) unzstds.addFirst(unzstd);
            }
        }
    }

    private ByteBuffer inflated() {
        if (inflated == null) inflated = ByteBuffer.allocateDirect(INFLATED_BYTES);
        return inflated;
    }

    @Override
    public void close() {
        for (Gunzip gunzip : gunzips) gunzip.close();
        gunzips.clear();
        unzstds.clear();
    }
}
