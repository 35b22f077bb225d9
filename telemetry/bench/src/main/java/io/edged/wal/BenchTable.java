package io.edged.wal;

import java.util.Locale;

/** The rows of one benchmark run, printed as they come. */
final class BenchTable {

    private double bareAppendsPerSecond = Double.NaN;

    /**
     * What one measurement found.
     *
     * @param nanos wall time
     * @param cpuNanos processor time of the whole process
     * @param writerUserNanos processor time of the log's own thread outside of the kernel; NaN if
     *     there is no such thread
     * @param writerAllocatedBytes heap that the log's own thread has allocated; NaN as above
     * @param forces forces that the appends shared; NaN if not known
     */
    record Measured(
            String what,
            int bodyBytes,
            int appenders,
            long appends,
            long nanos,
            long cpuNanos,
            double writerUserNanos,
            double writerAllocatedBytes,
            double forces) {}

    BenchTable() {
        System.out.printf(
                "%-16s %5s %9s %10s %9s %7s %9s %12s %11s %7s%n",
                "log",
                "KiB",
                "appenders",
                "appends/s",
                "MB/s",
                "x bare",
                "CPU us",
                "writer user",
                "writer heap",
                "group");
        System.out.printf(
                "%-16s %5s %9s %10s %9s %7s %9s %12s %11s %7s%n",
                "", "", "", "", "", "", "/append", "us/append", "B/append", "");
    }

    void add(Measured row, boolean bare) {
        double perSecond = row.appends() * 1e9 / row.nanos();
        if (bare) bareAppendsPerSecond = perSecond;
        System.out.printf(
                Locale.ROOT,
                "%-16s %5d %9d %10.0f %9.1f %7.2f %9.2f %12s %11s %7s%n",
                row.what(),
                row.bodyBytes() >> 10,
                row.appenders(),
                perSecond,
                perSecond * row.bodyBytes() / 1e6,
                perSecond / bareAppendsPerSecond,
                row.cpuNanos() / 1e3 / row.appends(),
                number(row.writerUserNanos() / 1e3 / row.appends(), 2),
                number(row.writerAllocatedBytes() / row.appends(), 2),
                number(row.appends() / row.forces(), 1));
    }

    private static String number(double value, int decimals) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%." + decimals + "f", value);
    }
}
