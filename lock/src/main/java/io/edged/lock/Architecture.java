package io.edged.lock;

import java.util.Arrays;
import java.util.Optional;

/** A machine that a release is built for, by Debian's name of it. */
public enum Architecture {
    AMD64("amd64"),
    ARM64("arm64"),
    RISCV64("riscv64");

    private final String label;

    Architecture(String label) {
        this.label = label;
    }

    /** The name in lock documents and package names. */
    public String label() {
        return label;
    }

    /** The architecture of that name; empty when no release is built for it. */
    public static Optional<Architecture> of(String label) {
        return Arrays.stream(values()).filter(each -> each.label.equals(label)).findFirst();
    }
}
