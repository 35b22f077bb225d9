package io.edged.packaging;

import io.grpc.CallOptions;
import io.grpc.Codec;
import io.grpc.CompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Sends the same logs request over gRPC, one call in flight on each connection. */
final class GrpcLoad implements AutoCloseable {

    /** What a run has seen. */
    record Result(long accepted, long refused, long nanos) {}

    private static final MethodDescriptor.Marshaller<byte[]> BYTES =
            new MethodDescriptor.Marshaller<>() {
                @Override
                public InputStream stream(byte[] message) {
                    return new ByteArrayInputStream(message);
                }

                @Override
                public byte[] parse(InputStream stream) {
                    try {
                        return stream.readAllBytes();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            };

    private static final MethodDescriptor<byte[], byte[]> EXPORT =
            MethodDescriptor.<byte[], byte[]>newBuilder()
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName("opentelemetry.proto.collector.logs.v1.LogsService/Export")
                    .setRequestMarshaller(BYTES)
                    .setResponseMarshaller(BYTES)
                    .build();

    /** Says gzip and leaves the bytes alone: they were compressed once, before the run. */
    private static final Codec COMPRESSED_ALREADY =
            new Codec() {
                @Override
                public String getMessageEncoding() {
                    return "gzip";
                }

                @Override
                public OutputStream compress(OutputStream out) {
                    return out;
                }

                @Override
                public InputStream decompress(InputStream in) {
                    return in;
                }
            };

    private final List<ManagedChannel> channels = new ArrayList<>();
    private final byte[] body;
    private final CallOptions options;

    GrpcLoad(InetSocketAddress address, int connections, byte[] body, boolean gzip) {
        this.body = body;
        var compressors = CompressorRegistry.newEmptyInstance();
        compressors.register(COMPRESSED_ALREADY);
        options = gzip ? CallOptions.DEFAULT.withCompression("gzip") : CallOptions.DEFAULT;
        for (int i = 0; i < connections; i++)
            channels.add(
                    NettyChannelBuilder.forAddress(address)
                            .usePlaintext()
                            .compressorRegistry(compressors)
                            .directExecutor()
                            .build());
    }

    /** Keeps every connection busy for {@code millis}. */
    Result run(long millis) throws InterruptedException {
        var accepted = new AtomicLong();
        var refused = new AtomicLong();
        long begin = System.nanoTime();
        long end = begin + millis * 1_000_000;
        var threads = new ArrayList<Thread>();
        for (ManagedChannel channel : channels)
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                while (System.nanoTime() < end) {
                                    try {
                                        ClientCalls.blockingUnaryCall(
                                                channel, EXPORT, options, body);
                                        accepted.incrementAndGet();
                                    } catch (StatusRuntimeException e) {
                                        refused.incrementAndGet();
                                    }
                                }
                            }));
        for (Thread thread : threads) thread.join();
        return new Result(accepted.get(), refused.get(), System.nanoTime() - begin);
    }

    @Override
    public void close() {
        for (ManagedChannel channel : channels) channel.shutdownNow();
    }
}
