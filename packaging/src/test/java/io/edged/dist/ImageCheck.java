package io.edged.dist;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.jar.JarFile;

/**
 * Looks at every file of an image: native ones are of the image's architecture and can be mapped
 * with the pages that the launcher lets pass; jars hold no native code; nothing is a link, can be
 * written by others, or is for debuggers only.
 *
 * <p>{@code ImageCheck DIRECTORY ARCHITECTURE PAGE_BYTES...}; what is wrong is printed, a line
 * each, and the exit code is then 1.
 */
final class ImageCheck {
    private static final String NATIVE_NAME = ".*\\.(so|dylib|dll|jnilib|a|so\\.[0-9.]+)";

    private final Path directory;
    private final String architecture;
    private final long pageBytes;
    private final List<String> problems = new ArrayList<>();
    private int nativeFiles;
    private int jars;

    private ImageCheck(Path directory, String architecture, long pageBytes) {
        this.directory = directory;
        this.architecture = architecture;
        this.pageBytes = pageBytes;
    }

    public static void main(String[] args) throws IOException {
        long pages = 0;
        for (int i = 2; i < args.length; i++) pages = Math.max(pages, Long.parseLong(args[i]));
        var check = new ImageCheck(Path.of(args[0]), args[1], pages);
        List<String> problems = check.run();
        problems.forEach(System.err::println);
        if (!problems.isEmpty()) System.exit(1);
        System.err.printf(
                "dist: %s: %d native files are all for %s, %d jars without native code%n",
                args[1], check.nativeFiles, args[1], check.jars);
    }

    /** What is wrong with an image, a line each. */
    static List<String> problems(Path directory, String architecture, long pageBytes)
            throws IOException {
        return new ImageCheck(directory, architecture, pageBytes).run();
    }

    private List<String> run() throws IOException {
        List<Path> files;
        try (var walk = Files.walk(directory)) {
            files = walk.sorted().toList();
        }
        for (Path file : files) {
            if (Files.isSymbolicLink(file)) problem(file, "a link; packages hold files only");
            else if (Files.isRegularFile(file)) look(file);
        }
        if (nativeFiles == 0) problem(directory, "no native file, so it is no image");
        return List.copyOf(problems);
    }

    private void look(Path file) throws IOException {
        if (file.toString().endsWith(".debuginfo")) problem(file, "is for debuggers only");
        Optional<ElfFile> elf = ElfFile.read(file);
        if (elf.isPresent()) {
            nativeFiles++;
            if (!elf.get().machine().equals(architecture))
                problem(file, "is for " + elf.get().machine() + ", the image for " + architecture);
            if (elf.get().pageBytes() < pageBytes)
                problem(
                        file,
                        "can be mapped with pages of "
                                + elf.get().pageBytes()
                                + " bytes at most, but the launcher lets "
                                + pageBytes
                                + " pass");
        } else if (file.toString().endsWith(".jar")) {
            jars++;
            try (var jar = new JarFile(file.toFile())) {
                jar.stream()
                        .filter(entry -> entry.getName().matches(NATIVE_NAME))
                        .forEach(entry -> problem(file, "holds native code: " + entry.getName()));
            }
        }
    }

    private void problem(Path file, String what) {
        problems.add(directory.relativize(file) + ": " + what);
    }
}
