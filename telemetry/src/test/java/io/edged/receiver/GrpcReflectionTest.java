package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;

import io.edged.wal.MemoryLog;
import io.grpc.health.v1.HealthProto;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionProto;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.proto.collector.logs.v1.LogsServiceProto;
import io.opentelemetry.proto.collector.metrics.v1.MetricsServiceProto;
import io.opentelemetry.proto.collector.trace.v1.TraceServiceProto;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

/** The descriptors in the program, and what a generic client makes of them. */
@Timeout(60)
class GrpcReflectionTest {

    private static final Path FILE =
            Path.of("src/main/resources/io/edged/receiver/services.descriptors");

    /** {@code -Dreference.rewrite=true} writes the file instead. */
    @SuppressWarnings("deprecation") // v1alpha is what many generic clients still ask for
    @Test
    void theDescriptorsAreThoseOfTheOfficialSources() throws IOException {
        var files = new TreeMap<String, FileDescriptorProto>();
        for (FileDescriptor file :
                List.of(
                        LogsServiceProto.getDescriptor(),
                        MetricsServiceProto.getDescriptor(),
                        TraceServiceProto.getDescriptor(),
                        HealthProto.getDescriptor(),
                        ServerReflectionProto.getDescriptor(),
                        io.grpc.reflection.v1alpha.ServerReflectionProto.getDescriptor()))
            collect(file, files);
        byte[] wanted =
                FileDescriptorSet.newBuilder().addAllFile(files.values()).build().toByteArray();
        if (Boolean.getBoolean("reference.rewrite")) Files.write(FILE, wanted);
        assertThat(Files.readAllBytes(FILE)).isEqualTo(wanted);
    }

    private static void collect(FileDescriptor file, Map<String, FileDescriptorProto> into) {
        into.put(file.getName(), file.toProto());
        file.getDependencies().forEach(imported -> collect(imported, into));
    }

    @Test
    void aGenericClientLearnsTheServicesFromTheDaemon() throws Exception {
        try (var log = new MemoryLog();
                var receiver =
                        Receiver.start(
                                ReceiverOptions.at(
                                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)),
                                log,
                                new SimpleMeterRegistry())) {
            var channel = NettyChannelBuilder.forAddress(receiver.address()).usePlaintext().build();
            try {
                var answers =
                        ask(
                                ServerReflectionGrpc.newStub(channel),
                                request().setListServices("").build(),
                                request()
                                        .setFileContainingSymbol(
                                                "opentelemetry.proto.collector.logs.v1.LogsService")
                                        .build(),
                                request().setFileByFilename("google/nothing.proto").build());
                List<String> services =
                        answers.get(0).getListServicesResponse().getServiceList().stream()
                                .map(service -> service.getName())
                                .toList();
                assertThat(services)
                        .contains("opentelemetry.proto.collector.trace.v1.TraceService")
                        .hasSize(6);
                Descriptor request = messageOf(answers.get(1));
                assertThat(request.getFullName())
                        .isEqualTo(
                                "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest");
                assertThat(answers.get(2).getErrorResponse().getErrorCode()).isEqualTo(5);
                for (String service : services) {
                    var found =
                            ask(
                                    ServerReflectionGrpc.newStub(channel),
                                    request().setFileContainingSymbol(service).build());
                    assertThat(found.getFirst().hasFileDescriptorResponse()).as(service).isTrue();
                }
            } finally {
                channel.shutdownNow();
            }
        }
    }

    private static ServerReflectionRequest.Builder request() {
        return ServerReflectionRequest.newBuilder().setHost("edge");
    }

    /** Builds the files as a client does, imports first, and finds what Export takes. */
    private static Descriptor messageOf(ServerReflectionResponse response) throws Exception {
        var protos = new TreeMap<String, FileDescriptorProto>();
        for (ByteString bytes : response.getFileDescriptorResponse().getFileDescriptorProtoList()) {
            var proto = FileDescriptorProto.parseFrom(bytes);
            protos.put(proto.getName(), proto);
        }
        var built = new TreeMap<String, FileDescriptor>();
        FileDescriptor file =
                build("opentelemetry/proto/collector/logs/v1/logs_service.proto", protos, built);
        return file.findServiceByName("LogsService").findMethodByName("Export").getInputType();
    }

    private static FileDescriptor build(
            String name, Map<String, FileDescriptorProto> protos, Map<String, FileDescriptor> built)
            throws Exception {
        FileDescriptor done = built.get(name);
        if (done != null) return done;
        FileDescriptorProto proto = protos.get(name);
        assertThat(proto).as(name).isNotNull();
        if (proto == null) throw new AssertionError(name);
        var imports = new ArrayList<FileDescriptor>();
        for (String imported : proto.getDependencyList())
            imports.add(build(imported, protos, built));
        FileDescriptor file =
                FileDescriptor.buildFrom(proto, imports.toArray(FileDescriptor[]::new));
        built.put(name, file);
        return file;
    }

    private static List<ServerReflectionResponse> ask(
            ServerReflectionGrpc.ServerReflectionStub stub, ServerReflectionRequest... questions)
            throws InterruptedException, ExecutionException {
        var answers = new ArrayList<ServerReflectionResponse>();
        var done = new CompletableFuture<List<ServerReflectionResponse>>();
        var requests =
                stub.serverReflectionInfo(
                        new StreamObserver<ServerReflectionResponse>() {
                            @Override
                            public void onNext(ServerReflectionResponse answer) {
                                answers.add(answer);
                            }

                            @Override
                            public void onError(Throwable failure) {
                                done.completeExceptionally(failure);
                            }

                            @Override
                            public void onCompleted() {
                                done.complete(answers);
                            }
                        });
        for (ServerReflectionRequest question : questions) requests.onNext(question);
        requests.onCompleted();
        return done.get().stream().collect(Collectors.toList());
    }
}
