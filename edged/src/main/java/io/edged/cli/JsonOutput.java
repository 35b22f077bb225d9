package io.edged.cli;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.MinimalPrettyPrinter;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;

/** JSON on standard output: one object a line, and the stream stays open. */
final class JsonOutput {
    private static final JsonFactory JSON = new JsonFactory();

    private JsonOutput() {}

    /** Members of an object. */
    interface Members {
        void write(JsonGenerator json) throws IOException;
    }

    /** One object with these members, on a line. */
    static void print(PrintStream out, Members members) {
        try (JsonGenerator json = object(out)) {
            json.writeStartObject();
            members.write(json);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** For one object; closing ends the line. */
    static JsonGenerator object(PrintStream out) throws IOException {
        return JSON.createGenerator(new Unclosed(out), JsonEncoding.UTF8);
    }

    /** For objects one behind the other; the caller flushes and ends each line itself. */
    static JsonGenerator lines(OutputStream out) throws IOException {
        JsonGenerator json = JSON.createGenerator(out, JsonEncoding.UTF8);
        json.setPrettyPrinter(new MinimalPrettyPrinter(""));
        json.disable(JsonGenerator.Feature.FLUSH_PASSED_TO_STREAM);
        json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
        return json;
    }

    /** Ends the last line instead of the stream. */
    private static final class Unclosed extends OutputStream {
        private final PrintStream out;

        Unclosed(PrintStream out) {
            this.out = out;
        }

        @Override
        public void write(int octet) {
            out.write(octet);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            out.write(bytes, offset, length);
        }

        @Override
        public void close() {
            out.println();
            out.flush();
        }
    }
}
