package io.edged.wal;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/** Runs one test method in a process of its own; the exit status says how it went. */
final class MutantRun {

    static final int PASSED = 0;
    static final int FAILED = 10;
    private static final int NOT_RUN = 11;

    private MutantRun() {}

    /** The argument is {@code package.Class#method}. */
    public static void main(String[] arguments) {
        var listener = new SummaryGeneratingListener();
        LauncherFactory.create()
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(selectMethod(arguments[0]))
                                .build(),
                        listener);
        var summary = listener.getSummary();
        summary.printFailuresTo(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
        if (summary.getTestsStartedCount() == 0) System.exit(NOT_RUN);
        System.exit(summary.getTestsFailedCount() > 0 ? FAILED : PASSED);
    }
}
