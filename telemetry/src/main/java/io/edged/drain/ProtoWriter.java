package io.edged.drain;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes protobuf fields into an array that grows. A nested message is written by another writer.
 */
final class ProtoWriter {

    private byte[] bytes = new byte[256];
    private int length;

    int length() {
        return length;
    }

    /** What was written; the writer must not be used any more. */
    ByteBuffer done() {
        return ByteBuffer.wrap(bytes, 0, length);
    }

    ProtoWriter varint(int field, long value) {
        raw((long) field << 3);
        raw(value);
        return this;
    }

    ProtoWriter fixed64(int field, long value) {
        raw((long) field << 3 | 1);
        room(8);
        for (int i = 0; i < 8; i++) bytes[length++] = (byte) (value >>> (8 * i));
        return this;
    }

    ProtoWriter text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    ProtoWriter bytes(int field, byte[] value) {
        return field(field, value, value.length);
    }

    ProtoWriter message(int field, ProtoWriter inner) {
        return field(field, inner.bytes, inner.length);
    }

    private ProtoWriter field(int field, byte[] value, int count) {
        raw((long) field << 3 | 2);
        raw(count);
        room(count);
        System.arraycopy(value, 0, bytes, length, count);
        length += count;
        return this;
    }

    private void raw(long value) {
        room(10);
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            bytes[length++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        bytes[length++] = (byte) rest;
    }

    private void room(int count) {
        if (bytes.length - length < count)
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + count));
    }
}
