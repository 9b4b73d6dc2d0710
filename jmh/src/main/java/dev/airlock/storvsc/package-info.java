/** Benchmarks of package-private parts of the driver. */
@NullMarked
package dev.airlock.storvsc;

import org.jspecify.annotations.NullMarked;
