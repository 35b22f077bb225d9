package io.edged.otlp;

import org.jspecify.annotations.Nullable;

/**
 * One field of an OTLP message as its JSON form needs it.
 *
 * @param name in JSON
 * @param child the message type of a {@link Kind#MESSAGE}
 * @param repeated an array in JSON; numbers are packed in protobuf
 * @param explicit written in protobuf even if it is 0 or empty: members of a oneof, and optional
 *     fields
 */
record Field(
        int number,
        String name,
        Kind kind,
        Schema.@Nullable Type child,
        boolean repeated,
        boolean explicit) {

    /** How a value looks on both sides. */
    enum Kind {
        TEXT(WireType.LENGTH),
        /** Base64 in JSON. */
        BYTES(WireType.LENGTH),
        /** 32 hex digits in JSON. */
        TRACE_ID(WireType.LENGTH),
        /** 16 hex digits in JSON. */
        SPAN_ID(WireType.LENGTH),
        BOOL(WireType.VARINT),
        INT32(WireType.VARINT),
        SINT32(WireType.VARINT),
        UINT32(WireType.VARINT),
        INT64(WireType.VARINT),
        UINT64(WireType.VARINT),
        FIXED32(WireType.FIXED32),
        FIXED64(WireType.FIXED64),
        SFIXED64(WireType.FIXED64),
        DOUBLE(WireType.FIXED64),
        /** A number in JSON too. */
        ENUM(WireType.VARINT),
        MESSAGE(WireType.LENGTH);

        final int wireType;

        Kind(int wireType) {
            this.wireType = wireType;
        }
    }

    /** The protobuf tag; of a packed field that of its bytes. */
    int tag() {
        boolean packed = repeated && kind.wireType != WireType.LENGTH;
        return number << 3 | (packed ? WireType.LENGTH : kind.wireType);
    }
}
