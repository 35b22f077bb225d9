package io.edged.drain;

import java.io.IOException;

/** No connection came about: the address, the route, the port or the TLS handshake. */
final class ConnectFailure extends IOException {
    private static final long serialVersionUID = 1;

    ConnectFailure(Endpoint endpoint, Throwable cause) {
        super("cannot connect to " + endpoint.authority() + ": " + reason(cause), cause);
    }

    private static String reason(Throwable cause) {
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }
}
