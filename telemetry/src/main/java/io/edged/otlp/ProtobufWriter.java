package io.edged.otlp;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes one protobuf message. For small messages: answers, statuses, records made of events. As in
 * proto3, numbers that are 0 and texts that are empty are left out. One thread.
 */
public final class ProtobufWriter {

    private byte[] bytes = new byte[64];
    private int length;

    /** Also for bool, enum, int32 and uint32; negative numbers take 10 bytes. */
    public ProtobufWriter int64(int field, long value) {
        if (value == 0) return this;
        tag(field, WireType.VARINT);
        varint(value);
        return this;
    }

    /** Also for sfixed64, and for double by its bits. */
    public ProtobufWriter fixed64(int field, long value) {
        if (value == 0) return this;
        tag(field, WireType.FIXED64);
        littleEndian(value, 8);
        return this;
    }

    public ProtobufWriter fixed32(int field, int value) {
        if (value == 0) return this;
        tag(field, WireType.FIXED32);
        littleEndian(value, 4);
        return this;
    }

    /** Lone surrogates become question marks. */
    public ProtobufWriter string(int field, String value) {
        return value.isEmpty() ? this : bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    /** Like {@link #int64} for a member of a oneof, which is written even if it is 0. */
    public ProtobufWriter oneofInt64(int field, long value) {
        tag(field, WireType.VARINT);
        varint(value);
        return this;
    }

    /** Like {@link #fixed64} for a member of a oneof, which is written even if it is 0. */
    public ProtobufWriter oneofFixed64(int field, long value) {
        tag(field, WireType.FIXED64);
        littleEndian(value, 8);
        return this;
    }

    /** Like {@link #string} for a member of a oneof, which is written even if it is empty. */
    public ProtobufWriter oneofString(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    /** Writes the field even if it is empty. */
    public ProtobufWriter bytes(int field, byte[] value) {
        return bytes(field, value, value.length);
    }

    /** An embedded message, written even if it is empty. */
    public ProtobufWriter message(int field, ProtobufWriter message) {
        return bytes(field, message.bytes, message.length);
    }

    private ProtobufWriter bytes(int field, byte[] value, int count) {
        tag(field, WireType.LENGTH);
        varint(count);
        reserve(count);
        System.arraycopy(value, 0, bytes, length, count);
        length += count;
        return this;
    }

    /** Writes a whole field as it was read: tag, length and value. */
    ProtobufWriter copy(ByteBuffer field) {
        int count = field.remaining();
        reserve(count);
        field.get(field.position(), bytes, length, count);
        length += count;
        return this;
    }

    public byte[] toByteArray() {
        return Arrays.copyOf(bytes, length);
    }

    private void tag(int field, int wireType) {
        varint((long) field << 3 | wireType);
    }

    private void varint(long value) {
        reserve(10);
        while ((value & ~0x7FL) != 0) {
            bytes[length++] = (byte) (value | 0x80);
            value >>>= 7;
        }
        bytes[length++] = (byte) value;
    }

    private void littleEndian(long value, int width) {
        reserve(width);
        for (int i = 0; i < width; i++) bytes[length++] = (byte) (value >>> (8 * i));
    }

    private void reserve(int more) {
        if (bytes.length - length < more)
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
    }
}
