package io.edged.receiver;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;

/**
 * Tells who sends a request by its bearer token. Each configured token is compared, in time that
 * does not depend on where two differ. Any thread.
 */
final class Authenticator {

    /** What a client without a good token hears. */
    static final String ADVICE =
            "a token that this edged knows is required; send it in the header authorization, as"
                    + " Bearer and the token";

    private static final String SCHEME = "Bearer ";

    /** Replaced as a whole; event loops read it. */
    private volatile List<Known> known;

    /** Not a record: its text would show the token. */
    private static final class Known {
        private final Client client;
        private final byte[] token;

        Known(ReceiverOptions.Token token) {
            client = new Client(token.client());
            this.token = bytes(token.secret());
        }
    }

    /** Lets everybody in if there are no tokens. */
    Authenticator(List<ReceiverOptions.Token> tokens) {
        known = tokens.stream().map(Known::new).toList();
    }

    /** From now on these tokens are good and no others; there must be some, or none before. */
    void replace(List<ReceiverOptions.Token> tokens) {
        if (tokens.isEmpty() != known.isEmpty())
            throw new IllegalArgumentException("whether tokens are asked for cannot change");
        known = tokens.stream().map(Known::new).toList();
    }

    /**
     * Who that is, or null if nobody who may come in.
     *
     * @param authorization the header's value, null if there is none
     */
    @Nullable Client check(@Nullable CharSequence authorization) {
        List<Known> those = known;
        if (those.isEmpty()) return Client.ANONYMOUS;
        if (authorization == null || authorization.length() < SCHEME.length()) return null;
        String header = authorization.toString();
        if (!header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) return null;
        byte[] shown = bytes(header.substring(SCHEME.length()).strip());
        Client found = null;
        for (Known each : those) if (MessageDigest.isEqual(each.token, shown)) found = each.client;
        return found;
    }

    private static byte[] bytes(String token) {
        return token.getBytes(StandardCharsets.ISO_8859_1);
    }
}
