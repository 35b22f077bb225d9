package io.edged.wal;

import io.edged.disk.DyingDirectory.Moment;

import java.nio.file.Path;
import java.util.List;

/**
 * What one process of a crash run is to do.
 *
 * @param directory of the log
 * @param seed of the records and of everything that the process decides
 * @param life which process on this log it is, from 1
 * @param first number of the first record that it offers
 * @param count how many it offers
 * @param call the call at which it dies; 0 to end cleanly
 * @param moment when in that call
 * @param end how it dies
 */
record CrashLife(
        Path directory,
        long seed,
        int life,
        int first,
        int count,
        long call,
        Moment moment,
        End end) {

    /** How a process dies. */
    enum End {
        /** By {@code Runtime.halt}. */
        HALT,
        /** It says where it stands and waits for the SIGKILL of its parent. */
        SIGKILL,
        /**
         * It works with the log's own threads, as fast as it can, until its parent kills it at a
         * moment of the parent's choice.
         */
        OUTSIDE
    }

    List<String> arguments() {
        return List.of(
                directory.toString(),
                Long.toString(seed),
                Integer.toString(life),
                Integer.toString(first),
                Integer.toString(count),
                Long.toString(call),
                moment.name(),
                end.name());
    }

    static CrashLife parse(String... arguments) {
        return new CrashLife(
                Path.of(arguments[0]),
                Long.parseLong(arguments[1]),
                Integer.parseInt(arguments[2]),
                Integer.parseInt(arguments[3]),
                Integer.parseInt(arguments[4]),
                Long.parseLong(arguments[5]),
                Moment.valueOf(arguments[6]),
                End.valueOf(arguments[7]));
    }
}
