package io.edged.cli;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

import java.util.Map;
import java.util.TreeMap;

/** A manual page of each command, in the macros of man(7), from what the commands say in help. */
final class ManPage {

    private final CommandSpec command;
    private final StringBuilder roff = new StringBuilder();

    private ManPage(CommandSpec command) {
        this.command = command;
    }

    /** Every command's page but the program's own, which is written by hand; by name. */
    static Map<String, String> all(CommandSpec program) {
        var pages = new TreeMap<String, String>();
        add(pages, program);
        return pages;
    }

    private static void add(Map<String, String> pages, CommandSpec parent) {
        for (CommandLine line : parent.subcommands().values()) {
            CommandSpec command = line.getCommandSpec();
            if (command.usageMessage().hidden() || command.name().equals("help")) continue;
            pages.put(name(command), new ManPage(command).write());
            add(pages, command);
        }
    }

    private static String name(CommandSpec command) {
        return command.qualifiedName("-");
    }

    private String write() {
        String[] description = command.usageMessage().description();
        macro("TH \"" + name(command).toUpperCase(java.util.Locale.ROOT) + "\" 8 \"\" edged");
        macro("SH NAME");
        text(name(command) + " - " + (description.length > 0 ? description[0] : ""));
        macro("SH SYNOPSIS");
        macro("B " + escaped(command.qualifiedName()));
        text(synopsis());
        macro("SH DESCRIPTION");
        for (String paragraph : description) {
            text(paragraph);
            macro("PP");
        }
        if (!command.subcommands().isEmpty()) {
            macro("SH COMMANDS");
            for (CommandLine line : command.subcommands().values()) {
                CommandSpec inner = line.getCommandSpec();
                String[] says = inner.usageMessage().description();
                macro("TP");
                macro("B " + escaped(inner.name()));
                text(says.length > 0 ? says[0] : "");
            }
        }
        macro("SH OPTIONS");
        for (OptionSpec option : command.options()) {
            if (option.hidden()) continue;
            macro("TP");
            text(
                    "\\fB"
                            + escaped(String.join(", ", option.names()))
                            + "\\fR"
                            + (option.arity().max() > 0
                                    ? " \\fI" + escaped(option.paramLabel()) + "\\fR"
                                    : ""),
                    true);
            text(said(option.description(), option.defaultValueString()));
        }
        for (PositionalParamSpec parameter : command.positionalParameters()) {
            macro("TP");
            text("\\fI" + escaped(parameter.paramLabel()) + "\\fR", true);
            text(said(parameter.description(), parameter.defaultValueString()));
        }
        macro("SH EXIT STATUS");
        text(
                "0 done, 1 configuration, 2 state directory, 3 damaged data, 4 storage failed, 5"
                        + " certificates, 6 lock or signature, 64 misuse, 70 internal error, 75"
                        + " not yet.");
        macro("SH SEE ALSO");
        macro("BR edged (8)");
        return roff.toString();
    }

    private String synopsis() {
        var words = new StringBuilder("[options]");
        for (PositionalParamSpec parameter : command.positionalParameters())
            words.append(' ').append(parameter.paramLabel());
        if (!command.subcommands().isEmpty()) words.append(" COMMAND");
        return words.toString();
    }

    private static String said(String[] description, String defaultValue) {
        return String.join(" ", description)
                .replace("${DEFAULT-VALUE}", defaultValue)
                .replace("%n", " ");
    }

    private void macro(String line) {
        roff.append('.').append(line).append('\n');
    }

    private void text(String line) {
        text(escaped(line), true);
    }

    private void text(String line, boolean isRoff) {
        if (isRoff && !line.isEmpty()) roff.append(line).append('\n');
    }

    /** A dash that can be copied, and no line that begins as a macro does. */
    private static String escaped(String text) {
        String plain = text.replace("\\", "\\e").replace("-", "\\-");
        return plain.startsWith(".") || plain.startsWith("'") ? "\\&" + plain : plain;
    }
}
