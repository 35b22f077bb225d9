package io.edged.admin;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the operator can ask a running daemon to do, at {@code POST /control/NAME}. Only from this
 * machine, whatever the listener's address, and only with the header {@link #HEADER}, which no web
 * page can make a browser send to another site.
 */
public final class Commands {

    /** Must be there, with any value. */
    public static final String HEADER = "edged-command";

    /**
     * Names the state directory of the daemon that is meant; another daemon answers 421. Two of
     * them may share the default place of the control socket.
     */
    public static final String DIRECTORY_HEADER = "edged-directory";

    /** Before the name. */
    public static final String PATH = "/control/";

    /** Does what is asked and says what came of it. May touch the disk. */
    @FunctionalInterface
    public interface Command {
        /**
         * Runs on a thread of its own kind, one at a time.
         *
         * @param query the decoded parameters of the URL
         * @return text for the operator
         * @throws IllegalArgumentException the query is wrong; the message says how
         */
        String run(Map<String, List<String>> query) throws IOException;
    }

    /** Set while the daemon starts; event loops read it. */
    private volatile String directory = "";

    private final Map<String, Command> commands = new ConcurrentHashMap<>();

    /** Adds a command; a name is taken once. */
    public void add(String name, Command command) {
        if (commands.putIfAbsent(name, command) != null)
            throw new IllegalStateException("two commands with the name " + name);
    }

    /** Says which state directory this daemon has. */
    public void directory(String newDirectory) {
        directory = newDirectory;
    }

    boolean isDirectory(String asked) {
        return directory.equals(asked);
    }

    Optional<Command> find(String path) {
        return path.startsWith(PATH)
                ? Optional.ofNullable(commands.get(path.substring(PATH.length())))
                : Optional.empty();
    }
}
