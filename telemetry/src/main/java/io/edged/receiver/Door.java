package io.edged.receiver;

/** Who may come in, and what of their headers is kept. Any thread. */
record Door(Authenticator authenticator, Cors cors, Forwarding forwarding) {

    static Door of(ReceiverOptions options) {
        return new Door(
                new Authenticator(options.security().tokens()),
                new Cors(options.cors(), options.forwarding()),
                new Forwarding(options.forwarding()));
    }
}
