@NullMarked
package io.edged.daemon;

import org.jspecify.annotations.NullMarked;
