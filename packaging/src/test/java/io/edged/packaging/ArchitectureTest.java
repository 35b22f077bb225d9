package io.edged.packaging;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The layers, as one table: what each package may use beside itself and the JDK. */
class ArchitectureTest {

    private static final String ROOT = "io.edged.";

    private static final List<String> PROGRAM =
            List.of(
                    "daemon",
                    "identity",
                    "precheck",
                    "cli",
                    "admin",
                    "watch",
                    "bundle",
                    "sink",
                    "demo");

    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .withImportOption(new ImportOption.DoNotIncludeTests())
                    .importPackages("io.edged");

    /** Package, the other packages of the project that it may use, and the libraries. */
    record Layer(String name, List<String> ours, List<String> libraries) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Layer> layers() {
        var layers =
                new ArrayList<>(
                        List.of(
                                new Layer("config", List.of(), List.of("org.tomlj..")),
                                new Layer(
                                        "lock",
                                        List.of(),
                                        List.of(
                                                "io.github.rctcwyvrn..",
                                                "com.fasterxml.jackson..")),
                                new Layer("disk", List.of(), List.of()),
                                new Layer("zstd", List.of(), List.of()),
                                new Layer("pem", List.of(), List.of()),
                                new Layer(
                                        "otlp",
                                        List.of("zstd"),
                                        List.of("com.fasterxml.jackson..")),
                                new Layer(
                                        "wal",
                                        List.of("disk", "otlp"),
                                        List.of("com.fasterxml.jackson..", "io.micrometer..")),
                                new Layer(
                                        "receiver",
                                        List.of("wal", "otlp", "events", "pem"),
                                        List.of(
                                                "io.netty..",
                                                "io.micrometer..",
                                                "com.fasterxml.jackson..")),
                                new Layer(
                                        "events",
                                        List.of("disk", "wal"),
                                        List.of("io.micrometer..", "com.fasterxml.jackson..")),
                                new Layer(
                                        "drain",
                                        List.of("wal", "otlp", "pem", "disk"),
                                        List.of(
                                                "io.netty..",
                                                "io.micrometer..",
                                                "com.fasterxml.jackson..",
                                                "io.opentelemetry.."))));
        for (String program : PROGRAM) {
            var ours = new ArrayList<>(PROGRAM);
            ours.addAll(
                    List.of(
                            "config",
                            "lock",
                            "disk",
                            "zstd",
                            "pem",
                            "otlp",
                            "wal",
                            "receiver",
                            "events",
                            "drain"));
            layers.add(
                    new Layer(
                            program,
                            ours,
                            List.of(
                                    "picocli..",
                                    "io.netty..",
                                    "io.micrometer..",
                                    "com.fasterxml.jackson..",
                                    "io.opentelemetry..",
                                    "io.prometheus..")));
        }
        return layers;
    }

    @ParameterizedTest
    @MethodSource("layers")
    void aPackageUsesOnlyWhatItsRowAllows(Layer layer) {
        var allowed =
                new ArrayList<>(
                        List.of(
                                "java..",
                                "javax..",
                                "jdk..",
                                "sun.misc..",
                                "org.jspecify..",
                                ROOT + layer.name() + ".."));
        layer.ours().forEach(name -> allowed.add(ROOT + name + ".."));
        allowed.addAll(layer.libraries());
        DescribedPredicate<JavaClass> foreign =
                DescribedPredicate.not(resideInAnyPackage(allowed.toArray(String[]::new)));
        noClasses()
                .that()
                .resideInAPackage(ROOT + layer.name() + "..")
                .should()
                .dependOnClassesThat(foreign)
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void everyPackageHasARow() {
        Map<String, Layer> rows = new java.util.HashMap<>();
        layers().forEach(layer -> rows.put(ROOT + layer.name(), layer));
        var packages = CLASSES.stream().map(JavaClass::getPackageName).distinct().toList();
        assertThat(packages).isNotEmpty();
        assertThat(rows.keySet()).containsAll(packages);
    }

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching("io.edged.(*)..").should().beFreeOfCycles().check(CLASSES);
    }
}
