/**
 * Recordings of a VMBus storage device: the text format of {@code traces/*.txt}, and what its
 * events mean.
 *
 * <p>{@link dev.airlock.lab.trace.TraceReader} turns lines into {@link
 * dev.airlock.lab.trace.TraceEvent}s, whose bytes are as they were in memory; {@link
 * dev.airlock.lab.trace.TraceDecoder} turns those into names and fields. Neither trusts a
 * recording: whatever a line holds ends as an event or as a {@link
 * dev.airlock.lab.trace.TraceException} that says which line and why.
 */
package dev.airlock.lab.trace;
