package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Requests;
import io.edged.otlp.Signal;
import io.edged.receiver.ReceiverOptions.Limits;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PoolArenaMetric;
import io.netty.buffer.PooledByteBufAllocator;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.util.Random;
import java.util.zip.CRC32C;

class RequestBodyTest {

    private final PooledByteBufAllocator allocator =
            new PooledByteBufAllocator(true, 0, 1, 8 << 10, 7, 0, 0, false);
    private final Admission admission =
            new Admission(Limits.DEFAULTS, new RetryHints(Pressure.UNKNOWN, () -> 0));
    private final Account account = new Account(admission);
    private final Workspace workspace = new Workspace();

    @AfterEach
    void nothingIsLeftInUse() {
        workspace.close();
        assertThat(admission.reservedBytes()).isZero();
        assertThat(inUse()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 20, 300, 3000, 20_000})
    void partsOfAnySizeAddUpToTheBody(int records) {
        byte[] whole = Requests.typicalLogs(records);
        for (boolean announced : new boolean[] {true, false}) {
            for (int largest : new int[] {50, 4 << 10, 20 << 10, 256 << 10}) {
                if (whole.length / largest > 20_000) continue;
                var random = new Random(largest);
                try (var body = open(announced ? whole.length : -1)) {
                    for (int at = 0; at < whole.length; ) {
                        int length = Math.min(1 + random.nextInt(largest), whole.length - at);
                        // A read buffer is as large as Netty guessed, and other things are in it.
                        ByteBuf read = allocator.directBuffer(length + random.nextInt(largest));
                        int offset = random.nextInt(read.capacity() - length + 1);
                        read.setBytes(offset, whole, at, length);
                        ByteBuf slice = read.retainedSlice(offset, length);
                        assertThat(body.add(slice)).isNull();
                        slice.release();
                        read.release();
                        at += length;
                        assertThat(inUse()).isLessThan(300);
                    }
                    assertThat(body.end()).isNull();
                    assertThat(body.items()).isEqualTo(records);
                    assertThat(admission.reservedBytes())
                            .isBetween((long) whole.length, 2L * whole.length + (1 << 20));
                    var crc = new CRC32C();
                    crc.update(whole);
                    assertThat(body.crc32c()).isEqualTo((int) crc.getValue());
                    long reserved = body.handOverReservation();
                    ByteBuf[] parts = body.handOverParts();
                    var joined = ByteBuffer.allocate(whole.length);
                    for (ByteBuf part : parts) {
                        assertThat(part.isDirect()).isTrue();
                        joined.put(part.nioBuffer());
                        part.release();
                    }
                    account.release(reserved);
                    assertThat(joined.array()).isEqualTo(whole);
                    assertThat(parts).hasSizeLessThan(200);
                }
            }
        }
    }

    @Test
    void aLargePartStaysWhereItIsAndASmallOneDoesNotHoldItsBufferDown() {
        byte[] whole = Requests.typicalLogs(100);
        for (int room : new int[] {0, 4 * whole.length}) {
            ByteBuf read = allocator.directBuffer(whole.length + room).writeBytes(whole);
            try (var body = open(whole.length)) {
                assertThat(body.add(read)).isNull();
                assertThat(read.refCnt()).isEqualTo(room == 0 ? 2 : 1);
            }
            read.release();
        }
    }

    @Test
    void aHeaderAloneClaimsLittle() {
        try (var body = open(64 << 20)) {
            assertThat(admission.reservedBytes()).isEqualTo(RequestBody.FIRST_BYTES);
            assertThat(body.bytes()).isZero();
        }
    }

    private RequestBody open(long contentLength) {
        var announced =
                new Announced(
                        Signal.LOGS, ContentEncoding.IDENTITY, contentLength, Client.ANONYMOUS);
        var body =
                RequestBody.open(
                        admission,
                        account,
                        allocator,
                        workspace,
                        workspace.newSkim(),
                        true,
                        announced);
        if (body == null) throw new AssertionError("no memory");
        return body;
    }

    private long inUse() {
        return allocator.metric().directArenas().stream()
                .mapToLong(PoolArenaMetric::numActiveAllocations)
                .sum();
    }
}
