package dev.airlock.lab.mapping;

import java.util.List;

/** The tables of a report, with what is to be known to read them. */
final class Tables {
    static final String MATRIX = "matrix";
    static final String OFFSETS = "offsets";
    static final String HOST_READS = "hostReads";
    static final String PRP = "prp";
    static final String PRESSURE = "pressure";

    private Tables() {}

    static ReportTable matrix(List<ReportRow> rows, LabOptions options) {
        return new ReportTable(
                MATRIX,
                "Both drivers through the whole path",
                "Two processes, a null disk, "
                        + (options.write() ? "writes" : "reads")
                        + ". mappingNs is map and unmap of one I/O with its copies, without the"
                        + " rest of the path; latency is at queue depth 1, iops at 16 (4 MiB in"
                        + " flight at most). Counters are exact. ranges are what the DMA API"
                        + " mapped, mapCalls how often it was called. An isolated I/O is cut into"
                        + " commands of 252 KiB; largestCommandBytes is what one command could"
                        + " carry past that. iopsAgainstPerPagePercent compares the two drivers"
                        + " round by round.",
                rows);
    }

    static ReportTable offsets(List<ReportRow> rows) {
        return new ReportTable(
                OFFSETS,
                "Where a bounced buffer begins in its Hyper-V page",
                "8 KiB at each in-page offset, mapped with each min_align_mask, in a pool of which"
                        + " one slot is taken. dmaOffset is the offset of the DMA address in its 4 KiB"
                        + " page; pages is how many it then touches.",
                rows);
    }

    static ReportTable hostReads(List<ReportRow> rows) {
        return new ReportTable(
                HOST_READS,
                "What the host reads",
                "8 KiB written to a disk by a driver that trusts the offset, isolated, through the"
                        + " host process, and read back without a bounce. pfns are relative to the"
                        + " first; sectors has a letter for each 512 bytes that the host read: = right,"
                        + " > data of a later place, < of an earlier one, 0 zeroes, ! what an earlier"
                        + " I/O left in the slots.",
                rows);
    }

    static ReportTable prp(List<ReportRow> rows) {
        return new ReportTable(
                PRP,
                "NVMe PRP lists from the same mappings",
                "An NVMe command names its memory by whole 4 KiB pages; only the first entry may"
                        + " have an offset, only the last page may end early. Checked by reading the"
                        + " list as a controller does.",
                rows);
    }

    static ReportTable pressure(List<ReportRow> rows) {
        return new ReportTable(
                PRESSURE,
                "The pool under pressure",
                "A pool of 16 MiB (8192 slots, an area a CPU) without the path: threads that map 4"
                        + " to 252 KiB and keep four mappings each, while others hold usePercent of the"
                        + " slots, packed or strewn. nsPerAttempt is processor time of one mapping that"
                        + " was tried, with its unmap, no copy. worstToBestThread is the success rate"
                        + " of the unluckiest thread over that of the luckiest; largestFreeBytes the"
                        + " largest mapping that would have fitted before. A growing pool may double in"
                        + " steps of 2 MiB.",
                rows);
    }
}
