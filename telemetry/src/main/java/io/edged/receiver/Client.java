package io.edged.receiver;

/**
 * Who sends a request, as far as a token has told.
 *
 * @param name as the operator wrote it beside the token; empty if nothing was asked for
 */
record Client(String name) {

    /** Nobody has to say who they are. */
    static final Client ANONYMOUS = new Client("");
}
