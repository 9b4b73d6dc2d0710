package dev.airlock.vmm.memory;

import java.io.IOException;

/** Who is told which pages the host may touch: the host process, over its socket. */
public interface HostView {
    /**
     * Pages were shown, or taken back. When a page is taken back this is called before the guest
     * learns that it is private.
     *
     * @param gpa without the shared-GPA boundary's bit
     */
    void visibilityChanged(long gpa, long bytes, boolean visible) throws IOException;

    /** Nobody. */
    HostView NONE = (gpa, bytes, visible) -> {};
}
