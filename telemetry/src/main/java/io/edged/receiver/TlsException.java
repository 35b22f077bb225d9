package io.edged.receiver;

import java.io.IOException;

/** The files of TLS cannot be used; the message names the file and what is wrong with it. */
public final class TlsException extends IOException {

    private static final long serialVersionUID = 1;

    TlsException(IOException cause) {
        super(cause.getMessage(), cause);
    }
}
