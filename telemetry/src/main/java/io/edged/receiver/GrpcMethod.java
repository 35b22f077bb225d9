package io.edged.receiver;

import io.edged.otlp.Signal;
import io.netty.util.AsciiString;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.Map;

/** The methods that are answered over gRPC, by their paths. */
sealed interface GrpcMethod {

    /** {@code Export} of one signal. */
    record Export(Signal signal) implements GrpcMethod {}

    /** {@code grpc.health.v1.Health/Check}. */
    record HealthCheck() implements GrpcMethod {}

    /** {@code grpc.health.v1.Health/Watch}. */
    record HealthWatch() implements GrpcMethod {}

    /** {@code ServerReflectionInfo}, of which there are two versions with equal messages. */
    record Reflect() implements GrpcMethod {}

    /** A service that is known and not offered. */
    record NotOffered(String why) implements GrpcMethod {}

    /** The method at a path, or null if there is none. */
    static @Nullable GrpcMethod at(CharSequence path) {
        return Paths.ALL.get(AsciiString.of(path));
    }

    /** The names of the services, as reflection lists them. */
    static String[] services() {
        return Paths.SERVICES.clone();
    }

    /** The paths. */
    final class Paths {
        private static final String[] SERVICES = {
            Signal.LOGS.service(),
            Signal.METRICS.service(),
            Signal.TRACES.service(),
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection"
        };

        private static final Map<AsciiString, GrpcMethod> ALL = new HashMap<>();

        static {
            for (Signal signal : Signal.values()) put(signal.method(), new Export(signal));
            put("/" + SERVICES[3] + "/Check", new HealthCheck());
            put("/" + SERVICES[3] + "/Watch", new HealthWatch());
            put("/" + SERVICES[4] + "/ServerReflectionInfo", new Reflect());
            put("/" + SERVICES[5] + "/ServerReflectionInfo", new Reflect());
            put(
                    "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
                    new NotOffered("profiles are not taken; send logs, metrics and traces"));
        }

        private Paths() {}

        private static void put(String path, GrpcMethod method) {
            ALL.put(new AsciiString(path), method);
        }
    }
}
