package io.edged.drain;

import io.opentelemetry.sdk.common.export.Compressor;
import io.opentelemetry.sdk.common.export.GrpcSenderConfig;
import io.opentelemetry.sdk.common.export.HttpSenderConfig;
import io.opentelemetry.sdk.common.export.ProxyOptions;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;

import javax.net.ssl.SSLContext;
import javax.net.ssl.X509TrustManager;

/**
 * A destination in the words of the OpenTelemetry sender interfaces. No retries: the drain decides
 * about these itself.
 */
final class SenderConfig implements HttpSenderConfig, GrpcSenderConfig {

    /** The largest answer, decompressed, as OTLP has it. */
    private static final long MAX_ANSWER_BYTES = 4 << 20;

    private final DestinationOptions.Target target;
    private final CertificateExpiry certificates;

    SenderConfig(DestinationOptions.Target target) {
        this(target, new CertificateExpiry(target.tls()));
    }

    SenderConfig(DestinationOptions.Target target, CertificateExpiry certificates) {
        this.target = target;
        this.certificates = certificates;
    }

    /** Told of what servers show. */
    CertificateExpiry certificates() {
        return certificates;
    }

    /** What the interfaces have no word for: TLS whose files may be replaced. */
    Optional<Supplier<SSLContext>> tls() {
        return target.tls();
    }

    /** A proxy with credentials. */
    Optional<ProxyServer> proxy() {
        return target.proxy();
    }

    @Override
    public URI getEndpoint() {
        return target.endpoint();
    }

    @Override
    public String getContentType() {
        return "application/x-protobuf";
    }

    /** Each upload names its own. */
    @Override
    public String getFullMethodName() {
        return "";
    }

    @Override
    public @Nullable Compressor getCompressor() {
        return null;
    }

    @Override
    public Duration getTimeout() {
        return target.timeout();
    }

    @Override
    public Duration getConnectTimeout() {
        return target.connectTimeout();
    }

    @Override
    public Supplier<Map<String, List<String>>> getHeadersSupplier() {
        return this::headers;
    }

    private Map<String, List<String>> headers() {
        var headers = new HashMap<String, List<String>>();
        target.headers().forEach((name, value) -> headers.put(name, List.of(value)));
        target.bearer().ifPresent(token -> headers.put("authorization", List.of(token.header())));
        return headers;
    }

    @Override
    public long getMaxResponseBodySize() {
        return MAX_ANSWER_BYTES;
    }

    @Override
    public @Nullable List<String> getEnabledProtocols() {
        return null;
    }

    @Override
    public @Nullable ProxyOptions getProxyOptions() {
        return null;
    }

    @Override
    public io.opentelemetry.sdk.common.export.@Nullable RetryPolicy getRetryPolicy() {
        return null;
    }

    @Override
    public @Nullable SSLContext getSslContext() {
        return null;
    }

    @Override
    public @Nullable X509TrustManager getTrustManager() {
        return null;
    }

    @Override
    public @Nullable ExecutorService getExecutorService() {
        return null;
    }
}
