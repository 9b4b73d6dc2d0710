package dev.airlock.vmm.memory;

/**
 * What happened to the visibility of pages, in pages.
 *
 * @param now visible at this moment
 * @param most visible at one time
 * @param shown how often a page was shown
 * @param takenBack how often one was taken back
 */
public record VisibilityCounts(long now, long most, long shown, long takenBack) {}
