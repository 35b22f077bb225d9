package io.edged.receiver;

import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.AsciiString;

/** Which exchange a gRPC request becomes. */
final class GrpcServices {

    private static final AsciiString AUTHORIZATION = new AsciiString("authorization");

    private final GrpcHealth health;
    private final GrpcReflection reflection;

    GrpcServices(GrpcHealth health, GrpcReflection reflection) {
        this.health = health;
        this.reflection = reflection;
    }

    static Exchange begin(
            Http2Link link, Http2Stream stream, Http2Link.Parts parts, Http2Headers headers) {
        GrpcServices services = parts.services();
        Client client = parts.door().authenticator().check(headers.get(AUTHORIZATION));
        GrpcMethod method = GrpcMethod.at(headers.path());
        // Probes come without a token, as they do to the admin port.
        if (method instanceof GrpcMethod.HealthCheck)
            return new GrpcServiceExchange(link, stream, parts.grpc(), services.health);
        if (method instanceof GrpcMethod.HealthWatch)
            return new GrpcServiceExchange(link, stream, parts.grpc(), services.health::watch);
        if (client == null)
            return refused(
                    link, stream, parts.grpc(), Refusal.UNAUTHENTICATED, Authenticator.ADVICE);
        return switch (method) {
            case GrpcMethod.Export(var signal) ->
                    switch (parts.door().forwarding().read(headers::getAll, client)) {
                        case Forwarding.Bad(String reason) ->
                                refused(link, stream, parts.grpc(), Refusal.MALFORMED_HTTP, reason);
                        case Forwarding.Kept kept ->
                                GrpcExchange.begin(
                                        link, stream, parts.grpc(), signal, client, kept, headers);
                    };
            case GrpcMethod.HealthCheck() ->
                    new GrpcServiceExchange(link, stream, parts.grpc(), services.health);
            case GrpcMethod.HealthWatch() ->
                    new GrpcServiceExchange(link, stream, parts.grpc(), services.health::watch);
            case GrpcMethod.Reflect() ->
                    new GrpcServiceExchange(link, stream, parts.grpc(), services.reflection);
            case GrpcMethod.NotOffered(var why) ->
                    refused(link, stream, parts.grpc(), Refusal.PATH, why);
            case null ->
                    refused(
                            link,
                            stream,
                            parts.grpc(),
                            Refusal.PATH,
                            "there is no such method; Export of logs, metrics and traces is");
        };
    }

    private static Exchange refused(
            Http2Link link, Http2Stream stream, Intake intake, Refusal refusal, String message) {
        var exchange =
                new GrpcServiceExchange(link, stream, intake, _ -> new GrpcServiceExchange.Done());
        exchange.refuse(refusal, message);
        return exchange;
    }
}
