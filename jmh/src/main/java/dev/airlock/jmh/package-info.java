/** Microbenchmarks of the parts of the path. {@code ./airlock-jmh} runs them. */
@NullMarked
package dev.airlock.jmh;

import org.jspecify.annotations.NullMarked;
