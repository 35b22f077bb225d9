package io.edged.dist;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Takes the names of local variables out of a class file. Only debuggers ask for them, and they are
 * a tenth of what classes take on disk and, by the start-up cache, in memory. Line numbers stay.
 *
 * <p>The bytes of everything else stay as they are: what rewrites classes would compute the maps of
 * the verifier anew, and for that it would need every class that one names, also of libraries that
 * are not there.
 */
final class LocalVariables {
    private static final Set<String> DROPPED =
            Set.of("LocalVariableTable", "LocalVariableTypeTable");

    private final DataInputStream in;
    private final DataOutputStream out;
    private final Map<Integer, String> names = new HashMap<>();

    private LocalVariables(InputStream in, ByteArrayOutputStream out) {
        this.in = new DataInputStream(in);
        this.out = new DataOutputStream(out);
    }

    static byte[] dropped(byte[] classFile) throws IOException {
        var out = new ByteArrayOutputStream(classFile.length);
        new LocalVariables(new ByteArrayInputStream(classFile), out).classFile();
        return out.toByteArray();
    }

    private void classFile() throws IOException {
        copy(8);
        constants();
        copy(6);
        copy(2 * copyCount());
        for (int members = 0; members < 2; members++)
            for (int left = copyCount(); left > 0; left--) {
                copy(6);
                attributes();
            }
        attributes();
    }

    private void constants() throws IOException {
        int count = copyCount();
        for (int index = 1; index < count; index++) {
            int tag = in.readUnsignedByte();
            out.writeByte(tag);
            switch (tag) {
                case 1 -> {
                    String text = in.readUTF();
                    out.writeUTF(text);
                    names.put(index, text);
                }
                case 7, 8, 16, 19, 20 -> copy(2);
                case 15 -> copy(3);
                case 3, 4, 9, 10, 11, 12, 17, 18 -> copy(4);
                case 5, 6 -> {
                    copy(8);
                    index++; // They take two places.
                }
                default -> throw new IOException("a constant of kind " + tag);
            }
        }
    }

    private void attributes() throws IOException {
        int count = in.readUnsignedShort();
        var kept = new ByteArrayOutputStream();
        var to = new DataOutputStream(kept);
        int dropped = 0;
        for (int left = count; left > 0; left--) {
            int name = in.readUnsignedShort();
            byte[] content = in.readNBytes(in.readInt());
            String named = names.get(name);
            if (DROPPED.contains(named)) {
                dropped++;
                continue;
            }
            if ("Code".equals(named)) content = code(content);
            to.writeShort(name);
            to.writeInt(content.length);
            to.write(content);
        }
        out.writeShort(count - dropped);
        kept.writeTo(out);
    }

    private byte[] code(byte[] content) throws IOException {
        var changed = new ByteArrayOutputStream(content.length);
        var code = new LocalVariables(new ByteArrayInputStream(content), changed);
        code.names.putAll(names);
        code.copy(4);
        int length = code.in.readInt();
        code.out.writeInt(length);
        code.copy(length);
        code.copy(8 * code.copyCount());
        code.attributes();
        return changed.toByteArray();
    }

    private int copyCount() throws IOException {
        int count = in.readUnsignedShort();
        out.writeShort(count);
        return count;
    }

    private void copy(int bytes) throws IOException {
        byte[] content = in.readNBytes(bytes);
        if (content.length < bytes) throw new IOException("the class file is cut off");
        out.write(content);
    }
}
