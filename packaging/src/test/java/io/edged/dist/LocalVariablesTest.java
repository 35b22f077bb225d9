package io.edged.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.MethodModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.ZipFile;

class LocalVariablesTest {

    /** Every class of the application: the rest of each is what it was, and no names are left. */
    @Test
    void everythingElseStays() throws IOException {
        int names = 0;
        int classes = 0;
        for (Path jar : jars())
            try (var zip = new ZipFile(jar.toFile())) {
                for (var entry : zip.stream().toList()) {
                    if (!entry.getName().endsWith(".class")) continue;
                    byte[] before;
                    try (InputStream in = zip.getInputStream(entry)) {
                        before = in.readAllBytes();
                    }
                    byte[] after = LocalVariables.dropped(before);
                    ClassModel left = ClassFile.of().parse(after);
                    assertThat(described(left))
                            .as(entry.getName())
                            .isEqualTo(described(ClassFile.of().parse(before)));
                    names += variables(ClassFile.of().parse(before));
                    assertThat(variables(left)).as(entry.getName()).isZero();
                    assertThat(LocalVariables.dropped(after)).isEqualTo(after);
                    classes++;
                }
            }
        assertThat(classes).isGreaterThan(5_000);
        assertThat(names).isGreaterThan(10_000);
    }

    @Test
    void aChangedClassIsLoadedVerifiedAndRuns() throws Exception {
        byte[] changed;
        try (InputStream in = Sample.class.getResourceAsStream("LocalVariablesTest$Sample.class")) {
            changed = LocalVariables.dropped(in.readAllBytes());
        }
        var loader =
                new ClassLoader(getClass().getClassLoader()) {
                    Class<?> define() {
                        return defineClass(Sample.class.getName(), changed, 0, changed.length);
                    }
                };
        Object sample = loader.define().getDeclaredConstructor().newInstance();
        assertThat(sample.getClass()).isNotEqualTo(Sample.class);
        assertThat(sample.toString()).isEqualTo("abab12");
    }

    @Test
    void aClassThatIsCutOffIsAnError() {
        byte[] half = {(byte) 0xCA, (byte) 0xFE, (byte) 0xBA, (byte) 0xBE, 0, 0};
        assertThatThrownBy(() -> LocalVariables.dropped(half)).isInstanceOf(IOException.class);
    }

    private static List<Path> jars() throws IOException {
        try (var list = Files.list(Path.of("target/edged/lib"))) {
            return list.filter(file -> file.toString().endsWith(".jar")).toList();
        }
    }

    private static int variables(ClassModel model) {
        return model.methods().stream()
                .flatMap(method -> method.code().stream())
                .flatMap(code -> code.findAttribute(Attributes.localVariableTable()).stream())
                .mapToInt(table -> table.localVariables().size())
                .sum();
    }

    /** What runs: names, flags, instructions, handlers, maps of the verifier, line numbers. */
    private static String described(ClassModel model) {
        return model.fields()
                + model.attributes().stream().map(Object::toString).sorted().toList().toString()
                + model.methods().stream().map(LocalVariablesTest::described).toList();
    }

    private static String described(MethodModel method) {
        return method
                + method.findAttribute(Attributes.code())
                        .map(code ->
                                code.elementStream()
                                                .filter(Instruction.class::isInstance)
                                                .map(Object::toString)
                                                .collect(Collectors.joining(" "))
                                        + code.exceptionHandlers().size()
                                        + code.findAttribute(Attributes.stackMapTable())
                                                .map(table ->
                                                        table.entries().stream()
                                                                .map(frame ->
                                                                        frame.frameType()
                                                                                + "@"
                                                                                + code.labelToBci(
                                                                                        frame
                                                                                                .target())
                                                                                + frame.locals()
                                                                                        .size()
                                                                                + frame.stack()
                                                                                        .size())
                                                                .toList())
                                        + code.findAttribute(Attributes.lineNumberTable())
                                                .map(table ->
                                                        table.lineNumbers().stream()
                                                                .map(line ->
                                                                        line.startPc()
                                                                                + ":"
                                                                                + line.lineNumber())
                                                                .toList()))
                        .orElse("");
    }

    /** Has branches, a handler, wide constants, and a lambda. */
    public static final class Sample {
        @Override
        public String toString() {
            long wide = 1L << 40;
            double number = 0.5;
            var text = new StringBuilder();
            Runnable twice = () -> text.append("ab");
            for (int i = 0; i < 2; i++) twice.run();
            try {
                if (wide > number) throw new IllegalStateException("1");
            } catch (IllegalStateException e) {
                text.append(e.getMessage()).append(2);
            }
            return text.toString();
        }
    }
}
