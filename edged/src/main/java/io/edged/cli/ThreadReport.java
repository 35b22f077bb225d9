package io.edged.cli;

import java.util.TreeMap;

/** What every thread is doing, for a support bundle. */
final class ThreadReport {
    private static final int MAX_FRAMES = 40;

    private ThreadReport() {}

    static String text() {
        var named = new TreeMap<String, String>();
        Thread.getAllStackTraces()
                .forEach((thread, stack) -> {
                    var text = new StringBuilder();
                    text.append(thread.getName())
                            .append(' ')
                            .append(thread.getState())
                            .append('\n');
                    for (int i = 0; i < Math.min(stack.length, MAX_FRAMES); i++)
                        text.append("    ").append(stack[i]).append('\n');
                    named.put(thread.getName() + " " + thread.threadId(), text.toString());
                });
        return String.join("\n", named.values());
    }
}
