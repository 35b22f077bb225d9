package io.edged.drain;

import io.opentelemetry.sdk.common.export.Compressor;
import io.opentelemetry.sdk.common.export.HttpSenderConfig;
import io.opentelemetry.sdk.common.export.ProxyOptions;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import javax.net.ssl.SSLContext;
import javax.net.ssl.X509TrustManager;

/**
 * A destination in the words of the OpenTelemetry sender interface. No retries: the drain decides
 * about these itself.
 */
final class SenderConfig implements HttpSenderConfig {

    private final DestinationOptions.Target target;
    private final Map<String, List<String>> headers;

    SenderConfig(DestinationOptions.Target target) {
        this.target = target;
        this.headers =
                target.headers().entrySet().stream()
                        .collect(
                                Collectors.toUnmodifiableMap(
                                        Map.Entry::getKey, header -> List.of(header.getValue())));
    }

    @Override
    public URI getEndpoint() {
        return target.endpoint();
    }

    @Override
    public String getContentType() {
        return "application/x-protobuf";
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
        return () -> headers;
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
        return target.tls().orElse(null);
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
