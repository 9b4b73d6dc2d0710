/**
 * Guest-physical memory. {@link dev.airlock.memory.GuestMemory} is the guest's side: private pages
 * that no other process can map, and host-visible ones in a sealed memfd. {@link
 * dev.airlock.memory.HostMemory} is the host's view of one guest: only the visible pages exist in
 * it, so a page that is not visible cannot be reached, whatever number a packet carries.
 *
 * <p>A <em>page</em> is always a 4 KiB Hyper-V page ({@link dev.airlock.memory.HvPage}); its PFN is
 * its guest-physical address divided by that.
 */
package dev.airlock.memory;
