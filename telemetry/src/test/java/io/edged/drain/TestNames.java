package io.edged.drain;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.security.Security;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The JDK's resolver with names of the tests beside those of the system: {@code NAME.edged-test}.
 * Nothing is remembered by the JDK, so that a change is seen at once.
 */
public final class TestNames extends InetAddressResolverProvider {

    private static final String SUFFIX = ".edged-test";
    private static final Map<String, List<InetAddress>> NAMES = new ConcurrentHashMap<>();

    /** Gives a name of the tests these addresses from now on; none makes it unknown. */
    static void set(String name, String... addresses) {
        if (!name.endsWith(SUFFIX)) throw new IllegalArgumentException(name);
        NAMES.put(name, Arrays.stream(addresses).map(InetAddress::ofLiteral).toList());
    }

    @Override
    public InetAddressResolver get(Configuration configuration) {
        Security.setProperty("networkaddress.cache.ttl", "0");
        Security.setProperty("networkaddress.cache.negative.ttl", "0");
        InetAddressResolver system = configuration.builtinResolver();
        return new InetAddressResolver() {
            @Override
            public Stream<InetAddress> lookupByName(String host, LookupPolicy policy)
                    throws UnknownHostException {
                if (!host.endsWith(SUFFIX)) return system.lookupByName(host, policy);
                List<InetAddress> found = NAMES.getOrDefault(host, List.of());
                if (found.isEmpty()) throw new UnknownHostException(host);
                return found.stream();
            }

            @Override
            public String lookupByAddress(byte[] address) throws UnknownHostException {
                return system.lookupByAddress(address);
            }
        };
    }

    @Override
    public String name() {
        return "names of the tests";
    }
}
