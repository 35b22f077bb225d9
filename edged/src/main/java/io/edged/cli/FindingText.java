package io.edged.cli;

import io.edged.wal.LogVerifier.Finding;
import io.edged.wal.LogVerifier.Severity;
import io.edged.wal.LogVerifier.Verification;

import java.io.PrintStream;
import java.util.Locale;

/** What a verification found, for people. */
record FindingText(PrintStream out) {

    /** Two lines for each finding. */
    void findings(Verification found) {
        for (Finding finding : found.findings()) {
            out.println(
                    finding.severity().name().toLowerCase(Locale.ROOT)
                            + " "
                            + finding.code()
                            + ": "
                            + finding.meaning()
                            + "; "
                            + where(finding));
            out.println("  next open: " + finding.nextOpen());
        }
        if (found.reused() > 0)
            out.println(
                    "note: segments that were settled and given back while the log was read: "
                            + found.reused());
    }

    private static String where(Finding finding) {
        var where = new StringBuilder("file=" + finding.file());
        if (finding.bytes() > 0 || finding.offset() > 0)
            where.append(" offset=").append(finding.offset());
        if (finding.bytes() > 0) where.append(" bytes=").append(finding.bytes());
        if (finding.fromSeq() > 0)
            where.append(" records=").append(finding.fromSeq()).append('-').append(finding.toSeq());
        return where.toString();
    }

    /** The last line. */
    void summary(Verification found) {
        long damages =
                found.findings().stream()
                        .filter(finding -> finding.severity() == Severity.DAMAGE)
                        .count();
        out.println(
                (found.isSound() ? "sound" : "damaged, findings " + damages)
                        + "; segments "
                        + found.segments().size()
                        + ", records "
                        + found.records()
                        + ", last committed "
                        + found.lastSeq()
                        + ", safe point "
                        + found.safeSeq());
        if (!found.isSound()) out.println("what to do: edged wal repair --dry-run");
    }
}
