/**
 * The orderings that wake-ups depend on, under jcstress: {@code RingOrderingTest} runs these in
 * processes of their own. Not null-marked, because what jcstress generates from them is not.
 */
@NullUnmarked
package dev.airlock.vmbus.stress;

import org.jspecify.annotations.NullUnmarked;
