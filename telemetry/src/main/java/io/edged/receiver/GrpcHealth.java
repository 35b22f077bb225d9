package io.edged.receiver;

import io.edged.otlp.ProtobufReader;
import io.edged.otlp.ProtobufReader.MalformedException;
import io.edged.otlp.ProtobufWriter;
import io.edged.otlp.RpcStatus;
import io.edged.otlp.WireType;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * {@code grpc.health.v1.Health}, {@code Check} and {@code Watch}: serving while the daemon is
 * ready, for the server as a whole and for each service that takes telemetry.
 */
final class GrpcHealth implements GrpcServiceExchange.Service {

    private static final int SERVICE = 1;
    private static final int STATUS = 1;
    private static final int SERVING = 1;
    private static final int NOT_SERVING = 2;
    private static final int SERVICE_UNKNOWN = 3;
    private static final int MAX_NAME_BYTES = 256;

    private final BooleanSupplier ready;
    private final List<String> services = List.of(GrpcMethod.services());

    GrpcHealth(BooleanSupplier ready) {
        this.ready = ready;
    }

    @Override
    public GrpcServiceExchange.Reply answer(ByteBuffer message) throws MalformedException {
        return isKnown(service(message))
                ? new GrpcServiceExchange.Message(List.of(status()))
                : new GrpcServiceExchange.Status(
                        RpcStatus.NOT_FOUND, "there is no service of this name here");
    }

    /** {@code Watch}: the status now, and whenever it has changed. */
    GrpcServiceExchange.Reply watch(ByteBuffer message) throws MalformedException {
        // A name that is unknown now may be known one day, says the protocol; here it never is.
        return isKnown(service(message))
                ? new GrpcServiceExchange.Watch(this::status)
                : new GrpcServiceExchange.Watch(() -> encoded(SERVICE_UNKNOWN));
    }

    private boolean isKnown(String service) {
        return service.isEmpty() || services.contains(service);
    }

    private byte[] status() {
        return encoded(ready.getAsBoolean() ? SERVING : NOT_SERVING);
    }

    private static byte[] encoded(int status) {
        return new ProtobufWriter().int64(STATUS, status).toByteArray();
    }

    private static String service(ByteBuffer message) throws MalformedException {
        var reader = new ProtobufReader(message);
        String service = "";
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field == SERVICE && reader.is(WireType.LENGTH))
                service = reader.text(MAX_NAME_BYTES);
            else reader.skip();
        }
        return service;
    }
}
