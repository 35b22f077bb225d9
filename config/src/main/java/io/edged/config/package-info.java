@NullMarked
package io.edged.config;

import org.jspecify.annotations.NullMarked;
