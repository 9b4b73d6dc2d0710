package dev.airlock.lab.mapping;

/** What a driver that may have lost the in-page offset tells the host. */
enum OffsetRule {
    /** The patch: mapped per page, {@code range.offset} set again from the first DMA address. */
    PAGE_SET_AGAIN("per page, offset set again", true, true),

    /** The patch without the second assignment. */
    PAGE_ORIGINAL("per page, original offset", true, false),

    /** Upstream: mapped per entry, the offset is the original's. */
    ENTRY_ORIGINAL("per entry, original offset", false, false),

    /** Upstream with the patch's second assignment. */
    ENTRY_SET_AGAIN("per entry, offset set again", false, true);

    private final String label;
    private final boolean perPage;
    private final boolean setAgain;

    OffsetRule(String label, boolean perPage, boolean setAgain) {
        this.label = label;
        this.perPage = perPage;
        this.setAgain = setAgain;
    }

    String label() {
        return label;
    }

    boolean isPerPage() {
        return perPage;
    }

    boolean isSetAgain() {
        return setAgain;
    }
}
