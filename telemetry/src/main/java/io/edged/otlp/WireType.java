package io.edged.otlp;

/** The low three bits of a protobuf tag: how the bytes of the field end. */
public final class WireType {
    public static final int VARINT = 0;
    public static final int FIXED64 = 1;
    public static final int LENGTH = 2;
    public static final int GROUP_START = 3;
    public static final int GROUP_END = 4;
    public static final int FIXED32 = 5;

    private WireType() {}
}
