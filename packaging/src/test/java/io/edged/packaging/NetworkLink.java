package io.edged.packaging;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A link between this machine and a network of its own on it, which can be slow, lose packets and
 * be cut. Where such a thing cannot be had (no root, a program is missing) the test is skipped and
 * says why.
 */
final class NetworkLink implements AutoCloseable {

    /** Of the range for benchmarks, which no network has. */
    private static final String HERE = "198.18.77.1";

    /** The far end. */
    static final String THERE = "198.18.77.2";

    private final String network = "edged" + ProcessHandle.current().pid();
    private final String near = network + "a";
    private final String far = network + "b";

    private NetworkLink() {}

    static NetworkLink open() throws IOException {
        Commands.needs("ip", "tc", "iptables");
        var link = new NetworkLink();
        try {
            link.begin();
        } catch (Commands.Failed e) {
            link.close();
            Commands.skipped("no network of its own can be made: " + e.getMessage());
        }
        return link;
    }

    private void begin() throws IOException {
        Commands.run("ip", "netns", "add", network);
        run("ip link add " + near + " type veth peer name " + far + " netns " + network);
        run("ip addr add " + HERE + "/30 dev " + near);
        run("ip link set " + near + " up");
        run("ip -n " + network + " addr add " + THERE + "/30 dev " + far);
        run("ip -n " + network + " link set lo up");
        run("ip -n " + network + " link set " + far + " up");
    }

    private static void run(String command) throws IOException {
        Commands.run(command.split(" ", -1));
    }

    /** Starts the application at the far end. */
    Application start(String... arguments) throws IOException {
        var command = new ArrayList<>(List.of("ip", "netns", "exec", network));
        command.addAll(List.of("sh", Application.LAUNCHER.toString()));
        command.addAll(List.of(arguments));
        return Application.start(command);
    }

    /** From here to there it carries so many bits a second; the queue before it holds 400 ms. */
    void bitsPerSecond(long bits) throws IOException {
        long burst = Math.max(1_600, bits / 8 / 250);
        run(
                ("tc qdisc add dev " + near + " root tbf rate " + bits + "bit burst " + burst)
                        + " latency 400ms");
    }

    /** Of the packets that go there, so many are lost. */
    void loses(double part) throws IOException {
        run(
                ("ip netns exec " + network + " iptables -A INPUT -i " + far)
                        + (" -m statistic --mode random --probability " + part + " -j DROP"));
    }

    /** Nothing arrives there, and nobody says so. */
    void down() throws IOException {
        run("ip netns exec " + network + " iptables -I INPUT -i " + far + " -j DROP");
    }

    void up() throws IOException {
        run("ip netns exec " + network + " iptables -D INPUT -i " + far + " -j DROP");
    }

    @Override
    public void close() throws IOException {
        // Its interfaces go with it.
        Commands.run("ip", "netns", "delete", network);
    }
}
