/** The write-ahead log. */
@NullMarked
package io.edged.wal;

import org.jspecify.annotations.NullMarked;
