package io.edged.receiver;

import io.edged.otlp.ProtobufReader;
import io.edged.otlp.ProtobufReader.MalformedException;
import io.edged.otlp.ProtobufWriter;
import io.edged.otlp.RpcStatus;
import io.edged.otlp.WireType;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code grpc.reflection.v1.ServerReflection}, and v1alpha with the same messages: tells generic
 * clients what the services look like. The descriptors are a file of the program, made from the
 * official protobuf sources; a test compares. A file is answered together with all that it imports.
 */
final class GrpcReflection implements GrpcServiceExchange.Service {

    private static final String RESOURCE = "services.descriptors";

    private static final int FILE_BY_FILENAME = 3;
    private static final int FILE_CONTAINING_SYMBOL = 4;
    private static final int FILE_CONTAINING_EXTENSION = 5;
    private static final int ALL_EXTENSION_NUMBERS = 6;
    private static final int LIST_SERVICES = 7;

    private static final int ORIGINAL_REQUEST = 2;
    private static final int FILE_DESCRIPTOR_RESPONSE = 4;
    private static final int LIST_SERVICES_RESPONSE = 6;
    private static final int ERROR_RESPONSE = 7;

    private static final int MAX_NAME_BYTES = 1024;

    /** By file name; made at the first question. */
    private @Nullable Map<String, File> files;

    private final Map<String, File> symbols = new HashMap<>();

    /** One {@code FileDescriptorProto}. */
    private static final class File {
        private final String name;
        private final byte[] bytes;
        private final List<String> imports;

        File(String name, byte[] bytes, List<String> imports) {
            this.name = name;
            this.bytes = bytes;
            this.imports = imports;
        }
    }

    /** The event loops share one: a question is rare and quickly answered. */
    @Override
    public synchronized GrpcServiceExchange.Reply answer(ByteBuffer message)
            throws MalformedException {
        if (files == null) files = load();
        var reader = new ProtobufReader(message);
        int asked = 0;
        String name = "";
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field >= FILE_BY_FILENAME && field <= LIST_SERVICES && reader.is(WireType.LENGTH)) {
                asked = field;
                name = reader.text(MAX_NAME_BYTES);
            } else {
                reader.skip();
            }
        }
        byte[] original = new byte[message.remaining()];
        message.get(message.position(), original);
        byte[] head = new ProtobufWriter().bytes(ORIGINAL_REQUEST, original).toByteArray();
        return new GrpcServiceExchange.Message(List.of(head, response(asked, name)));
    }

    private byte[] response(int asked, String name) {
        return switch (asked) {
            case LIST_SERVICES -> services();
            case FILE_BY_FILENAME -> files(files().get(name), name);
            case FILE_CONTAINING_SYMBOL -> files(symbols.get(name), name);
            case FILE_CONTAINING_EXTENSION, ALL_EXTENSION_NUMBERS ->
                    error(RpcStatus.NOT_FOUND, "there are no extensions here");
            default -> error(RpcStatus.UNIMPLEMENTED, "this question is not known");
        };
    }

    private static byte[] services() {
        var list = new ProtobufWriter();
        for (String service : GrpcMethod.services())
            list.message(1, new ProtobufWriter().string(1, service));
        return new ProtobufWriter().message(LIST_SERVICES_RESPONSE, list).toByteArray();
    }

    private byte[] files(@Nullable File file, String name) {
        if (file == null) return error(RpcStatus.NOT_FOUND, "nothing is known of " + name);
        var wanted = new LinkedHashMap<String, File>();
        collect(file, wanted);
        var response = new ProtobufWriter();
        for (File each : wanted.values()) response.bytes(1, each.bytes);
        return new ProtobufWriter().message(FILE_DESCRIPTOR_RESPONSE, response).toByteArray();
    }

    private void collect(File file, Map<String, File> into) {
        if (into.putIfAbsent(file.name, file) != null) return;
        for (String imported : file.imports) {
            File found = files().get(imported);
            if (found == null) throw new IllegalStateException(imported + " is not in the program");
            collect(found, into);
        }
    }

    private static byte[] error(int code, String message) {
        return new ProtobufWriter()
                .message(ERROR_RESPONSE, new ProtobufWriter().int64(1, code).string(2, message))
                .toByteArray();
    }

    private Map<String, File> files() {
        if (files == null) throw new IllegalStateException("not loaded");
        return files;
    }

    private Map<String, File> load() throws MalformedException {
        var loaded = new HashMap<String, File>();
        try (InputStream resource = GrpcReflection.class.getResourceAsStream(RESOURCE)) {
            if (resource == null) throw new IllegalStateException(RESOURCE + " is not there");
            var set = new ProtobufReader(ByteBuffer.wrap(resource.readAllBytes()));
            while (set.next() != 0) {
                File file = file(set.bytes());
                loaded.put(file.name, file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return loaded;
    }

    /**
     * {@code FileDescriptorProto}: 1 name, 2 package, 3 imports, 4 messages, 5 enums, 6 services.
     */
    private File file(ByteBuffer descriptor) throws MalformedException {
        byte[] bytes = new byte[descriptor.remaining()];
        descriptor.get(descriptor.position(), bytes);
        String name = "";
        String prefix = "";
        var imports = new ArrayList<String>();
        var reader = new ProtobufReader(descriptor);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            switch (field) {
                case 1 -> name = reader.text(MAX_NAME_BYTES);
                case 2 -> prefix = reader.text(MAX_NAME_BYTES) + ".";
                case 3 -> imports.add(reader.text(MAX_NAME_BYTES));
                default -> reader.skip();
            }
        }
        var file = new File(name, bytes, List.copyOf(imports));
        reader = new ProtobufReader(descriptor);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            switch (field) {
                case 4 -> define(prefix, reader.bytes(), 3, file);
                case 5 -> define(prefix, reader.bytes(), 0, file);
                case 6 -> define(prefix, reader.bytes(), 2, file);
                default -> reader.skip();
            }
        }
        return file;
    }

    /**
     * Notes a message, enum or service, and what is defined in it.
     *
     * @param inner field of the definitions inside: 3 for messages (4 are their enums), 2 for the
     *     methods of a service, 0 for none
     */
    private void define(String prefix, ByteBuffer definition, int inner, File file)
            throws MalformedException {
        var reader = new ProtobufReader(definition);
        String name = "";
        for (int field = reader.next(); field != 0 && name.isEmpty(); field = reader.next()) {
            if (field == 1) name = reader.text(MAX_NAME_BYTES);
            else reader.skip();
        }
        symbols.put(prefix + name, file);
        reader = new ProtobufReader(definition);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (inner != 0 && field == inner)
                define(prefix + name + ".", reader.bytes(), inner == 3 ? 3 : 0, file);
            else if (inner == 3 && field == 4) define(prefix + name + ".", reader.bytes(), 0, file);
            else reader.skip();
        }
    }
}
