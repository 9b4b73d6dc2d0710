package dev.airlock.memory;

import dev.airlock.linux.Fd;

/**
 * A piece of guest-physical memory that the host may map.
 *
 * @param gpa where it begins in guest-physical space, page aligned
 * @param bytes its size, whole pages
 * @param memfd holds the memory; owned by the {@link GuestMemory} it came from
 * @param offset where it begins in the memfd, page aligned
 */
public record SharedRegion(long gpa, long bytes, Fd memfd, long offset) {}
