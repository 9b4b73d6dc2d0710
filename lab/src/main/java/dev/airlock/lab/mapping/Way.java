package dev.airlock.lab.mapping;

import dev.airlock.storvsc.IoMapping;
import dev.airlock.storvsc.WholeEntryMapping;

/** The two drivers that are compared. */
public enum Way {
    /** The patch's: {@link PerPageMapping}. */
    PER_PAGE("per page"),

    /** Upstream's, and the product's: {@link WholeEntryMapping}. */
    PER_ENTRY("per entry");

    private final String label;

    Way(String label) {
        this.label = label;
    }

    /** What reports call it. */
    public String label() {
        return label;
    }

    /** Makes the mapping of one channel. */
    public IoMapping.Factory factory() {
        return switch (this) {
            case PER_PAGE -> (mapper, tags, maxPages) -> new PerPageMapping(mapper, tags);
            case PER_ENTRY -> (mapper, tags, maxPages) -> new WholeEntryMapping(mapper);
        };
    }

    /** Calls of the DMA API that map one command of so many pages. */
    int mapCalls(int pages) {
        return this == PER_PAGE ? pages : 1;
    }
}
