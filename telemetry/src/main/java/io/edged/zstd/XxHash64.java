package io.edged.zstd;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** XXH64 with seed 0, of bytes that come in parts. */
final class XxHash64 {

    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long P1 = 0x9E3779B185EBCA87L;
    private static final long P2 = 0xC2B2AE3D27D4EB4FL;
    private static final long P3 = 0x165667B19E3779F9L;
    private static final long P4 = 0x85EBCA77C2B2AE63L;
    private static final long P5 = 0x27D4EB2F165667C5L;

    private static final int STRIPE_BYTES = 32;

    private final byte[] partial = new byte[STRIPE_BYTES];
    private int partialBytes;
    private long length;
    private long lane1;
    private long lane2;
    private long lane3;
    private long lane4;

    XxHash64() {
        reset();
    }

    void reset() {
        partialBytes = 0;
        length = 0;
        lane1 = 0x60EA27EEADC0B5D6L; // P1 + P2
        lane2 = P2;
        lane3 = 0;
        lane4 = -P1;
    }

    void update(byte[] in, int from, int bytes) {
        int index = from;
        int end = from + bytes;
        length += bytes;
        if (partialBytes > 0) {
            int taken = Math.min(STRIPE_BYTES - partialBytes, bytes);
            System.arraycopy(in, index, partial, partialBytes, taken);
            partialBytes += taken;
            index += taken;
            if (partialBytes < STRIPE_BYTES) return;
            stripe(partial, 0);
            partialBytes = 0;
        }
        for (; end - index >= STRIPE_BYTES; index += STRIPE_BYTES) stripe(in, index);
        partialBytes = end - index;
        System.arraycopy(in, index, partial, 0, partialBytes);
    }

    long value() {
        long hash;
        if (length >= STRIPE_BYTES) {
            hash =
                    Long.rotateLeft(lane1, 1)
                            + Long.rotateLeft(lane2, 7)
                            + Long.rotateLeft(lane3, 12)
                            + Long.rotateLeft(lane4, 18);
            hash = merge(hash, lane1);
            hash = merge(hash, lane2);
            hash = merge(hash, lane3);
            hash = merge(hash, lane4);
        } else {
            hash = P5;
        }
        hash += length;
        int index = 0;
        for (; partialBytes - index >= 8; index += 8)
            hash = Long.rotateLeft(hash ^ round(0, (long) LONGS.get(partial, index)), 27) * P1 + P4;
        if (partialBytes - index >= 4) {
            long word = (int) INTS.get(partial, index) & 0xFFFF_FFFFL;
            hash = Long.rotateLeft(hash ^ word * P1, 23) * P2 + P3;
            index += 4;
        }
        for (; index < partialBytes; index++)
            hash = Long.rotateLeft(hash ^ (partial[index] & 0xFF) * P5, 11) * P1;
        hash = (hash ^ hash >>> 33) * P2;
        hash = (hash ^ hash >>> 29) * P3;
        return hash ^ hash >>> 32;
    }

    private void stripe(byte[] in, int index) {
        lane1 = round(lane1, (long) LONGS.get(in, index));
        lane2 = round(lane2, (long) LONGS.get(in, index + 8));
        lane3 = round(lane3, (long) LONGS.get(in, index + 16));
        lane4 = round(lane4, (long) LONGS.get(in, index + 24));
    }

    private static long round(long lane, long word) {
        return Long.rotateLeft(lane + word * P2, 31) * P1;
    }

    private static long merge(long hash, long lane) {
        return (hash ^ round(0, lane)) * P1 + P4;
    }
}
