package io.edged.receiver;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;

/**
 * What is known of an export request before its body is read, whatever transport it comes by.
 *
 * @param contentLength bytes of the body as sent, −1 if they are not announced
 * @param client who sends it
 */
record Announced(Signal signal, ContentEncoding encoding, long contentLength, Client client) {}
