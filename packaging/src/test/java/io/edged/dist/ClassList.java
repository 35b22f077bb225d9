package io.edged.dist;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.PoolEntry;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What the start-up cache of an image shall hold, in the virtual machine's own format: {@code
 * ClassList IMAGE OUT INVOKERS TRAINING...}, the last being lists that the virtual machine made of
 * training runs. Which constants of a class such a run resolves, and which helpers it meets where
 * threads wait for each other, depends on its timing; this list names all of them, so that two
 * builds make the same cache. For the same reason the forms in which method handles are invoked are
 * not taken from the training but from the file INVOKERS.
 */
final class ClassList {
    /** The product's own classes: all, so that a rare failure does not have to read a jar. */
    private static final String OWN = "io/edged/";

    /** But for those of commands that a daemon does not run. */
    private static final String COMMANDS = "io/edged/cli/";

    /** With a class of these its nested ones, which only threads use that have to wait. */
    private static final String CONTENDED = "java/util/concurrent/";

    private static final String INVOKER = "@lambda-form-invoker ";
    private static final String JAVA_VERSION = "25";

    private ClassList() {}

    public static void main(String[] args) throws IOException {
        Path image = Path.of(args[0]);
        var training = new ArrayList<String>();
        for (int i = 3; i < args.length; i++) training.addAll(Files.readAllLines(Path.of(args[i])));
        Deque<FileSystem> open = new ArrayDeque<>();
        try {
            List<String> invokers = Files.readAllLines(Path.of(args[2]));
            List<String> lines = lines(training, invokers, classFiles(image, open));
            Files.write(Path.of(args[1]), lines);
        } finally {
            for (FileSystem each : open) each.close();
        }
    }

    /** Every class of an image by its name with slashes. */
    private static Map<String, Path> classFiles(Path image, Deque<FileSystem> open)
            throws IOException {
        var files = new TreeMap<String, Path>();
        open.push(
                FileSystems.newFileSystem(
                        URI.create("jrt:/"),
                        Map.of("java.home", image.resolve("lib/runtime").toString())));
        try (var modules = Files.list(open.element().getPath("/modules"))) {
            for (Path module : modules.toList()) add(module, files);
        }
        List<Path> jars;
        try (var list = Files.list(image.resolve("lib/app"))) {
            jars = list.sorted().toList();
        }
        for (Path jar : jars) {
            open.push(FileSystems.newFileSystem(jar, Map.of("releaseVersion", JAVA_VERSION)));
            add(open.element().getPath("/"), files);
        }
        return files;
    }

    private static void add(Path root, Map<String, Path> files) throws IOException {
        try (var walk = Files.walk(root)) {
            walk.filter(file -> file.toString().endsWith(".class"))
                    .forEach(file -> {
                        String path = root.relativize(file).toString();
                        files.putIfAbsent(path.substring(0, path.length() - 6), file);
                    });
        }
    }

    /**
     * The list.
     *
     * @param training lines of the virtual machine's lists
     * @param invokers lines of the same format, and comments
     * @param files every class that there is
     */
    static List<String> lines(List<String> training, List<String> invokers, Map<String, Path> files)
            throws IOException {
        var classes = new TreeSet<String>();
        for (String line : training) {
            if (line.startsWith("@") || line.startsWith("#")) continue;
            String name = line.split(" ", 2)[0];
            // Others were made while the program ran.
            if (files.containsKey(name)) classes.add(name);
        }
        for (String name : files.keySet())
            if ((name.startsWith(OWN) && !name.startsWith(COMMANDS))
                    || (name.startsWith(CONTENDED) && classes.contains(outermost(name))))
                classes.add(name);
        var lines = new ArrayList<String>(classes);
        for (String name : classes) {
            String constants = constants(Files.readAllBytes(files.get(name)));
            if (!constants.isEmpty()) lines.add("@cp " + name + constants);
        }
        invokers.stream().filter(line -> line.startsWith(INVOKER)).forEach(lines::add);
        return lines;
    }

    /**
     * Indices of what the virtual machine can resolve beforehand: classes, fields, methods, and
     * call sites that a bootstrap method links.
     */
    private static String constants(byte[] classFile) {
        var indices = new StringBuilder();
        for (PoolEntry entry : ClassFile.of().parse(classFile).constantPool())
            switch (entry.tag()) {
                case PoolEntry.TAG_CLASS,
                        PoolEntry.TAG_FIELDREF,
                        PoolEntry.TAG_METHODREF,
                        PoolEntry.TAG_INTERFACE_METHODREF,
                        PoolEntry.TAG_INVOKE_DYNAMIC ->
                        indices.append(' ').append(entry.index());
                default -> {}
            }
        return indices.toString();
    }

    private static String outermost(String name) {
        int nested = name.indexOf('$');
        return nested < 0 ? name : name.substring(0, nested);
    }
}
