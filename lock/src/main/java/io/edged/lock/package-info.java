@NullMarked
package io.edged.lock;

import org.jspecify.annotations.NullMarked;
