/** Benchmarks of the log; in its package because they also measure what is not public. */
@NullMarked
package io.edged.wal;

import org.jspecify.annotations.NullMarked;
