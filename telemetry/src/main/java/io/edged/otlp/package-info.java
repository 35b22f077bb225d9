/**
 * The OTLP wire format, as far as a daemon needs it that stores and forwards bodies without
 * decoding them.
 *
 * <p>{@link io.edged.otlp.Signal} and {@link io.edged.otlp.ContentEncoding} name what a body is.
 * Nothing here knows of files, sockets or threads.
 */
@NullMarked
package io.edged.otlp;

import org.jspecify.annotations.NullMarked;
