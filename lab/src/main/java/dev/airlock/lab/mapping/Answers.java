package dev.airlock.lab.mapping;

import dev.airlock.memory.HvPage;
import java.util.ArrayList;
import java.util.List;

/**
 * What the review asked, and what this run says to it. Every number is of the run; words that a
 * number could contradict are chosen by it. Stateless but for the report.
 */
final class Answers {
    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;

    /** Less than this apart, in percent, two figures of a noisy machine are called equal. */
    private static final double NOISE_PERCENT = 5;

    private final Findings found;

    private Answers(MappingReport report) {
        found = new Findings(report);
    }

    /** The answers of a report that has all tables. */
    static List<Answer> of(MappingReport report) {
        Answers answers = new Answers(report);
        List<Answer> all = new ArrayList<>();
        all.add(answers.notIsolated());
        all.add(answers.perPage());
        all.add(answers.array());
        all.add(answers.rangeOffset());
        all.add(answers.zeroMask());
        all.add(answers.nvme());
        all.add(answers.priceOfEntries());
        all.add(answers.pressure());
        return all;
    }

    private Answer notIsolated() {
        ReportRow page = found.cell(false, Way.PER_PAGE, MIB);
        ReportRow entry = found.cell(false, Way.PER_ENTRY, MIB);
        return new Answer(
                "Does a guest that is not isolated bounce, and what does it pay?",
                "It does not bounce: %s bytes copied and %s slots at any size. It pays for the calls: a 1 MiB"
                                .formatted(
                                        Numbers.three(entry.median("copiedBytes")),
                                        Numbers.three(entry.median("slots")))
                        + " I/O takes %s calls and %s per page, %s call and %s per entry, its 256 PFNs written. "
                                .formatted(
                                        Numbers.three(page.median("mapCalls")),
                                        time(page),
                                        Numbers.three(entry.median("mapCalls")),
                                        time(entry))
                        + "At 4 KiB it is %s against %s. "
                                .formatted(
                                        time(found.cell(false, Way.PER_PAGE, 4 * KIB)),
                                        time(found.cell(false, Way.PER_ENTRY, 4 * KIB)))
                        + "Through the whole path, I/Os a second per entry against per page: "
                        + iops(false)
                        + ".");
    }

    private Answer perPage() {
        ReportRow scatteredPage = found.cell(true, Way.PER_PAGE, Layout.SCATTERED, MIB, 4 * KIB);
        ReportRow scatteredEntry = found.cell(true, Way.PER_ENTRY, Layout.SCATTERED, MIB, 4 * KIB);
        ReportRow largePage = found.cell(true, Way.PER_PAGE, Layout.SCATTERED, MIB, 64 * KIB);
        ReportRow largeEntry = found.cell(true, Way.PER_ENTRY, Layout.SCATTERED, MIB, 64 * KIB);
        return new Answer(
                "What does dma_map_page for each page cost an isolated guest, against dma_map_sg"
                        + " for whole entries?",
                "The copies are the same bytes and dominate; the calls come on top. Map and unmap"
                        + " of a contiguous I/O: "
                        + pair(true, 4 * KIB)
                        + "; "
                        + pair(true, 64 * KIB)
                        + "; "
                        + pair(true, MIB)
                        + ". Through the whole path, I/Os a second per entry against per page: "
                        + iops(true)
                        + ". Where a list's entries are single pages there is nothing to save but"
                        + " the array: 1 MiB of"
                        + " scattered 4 KiB pages takes %s per page and %s per entry. With guest pages of 64 KiB (arm64) an"
                                .formatted(time(scatteredPage), time(scatteredEntry))
                        + " entry is 16 Hyper-V pages at least: the same 1 MiB takes %s calls and %s per page, %s calls and %s per entry."
                                .formatted(
                                        Numbers.three(largePage.median("mapCalls")),
                                        time(largePage),
                                        Numbers.three(largeEntry.median("mapCalls")),
                                        time(largeEntry)));
    }

    private Answer array() {
        return new Answer(
                "Is the dma_range array needed?",
                "No. The scatterlist holds the DMA addresses until it is unmapped; both drivers"
                        + " carry the same"
                        + " verified data (BothWaysTest of this project). The array costs an allocation for each command: %s a"
                                .formatted(allocated(found.cell(true, Way.PER_PAGE, 4 * KIB)))
                        + " 4 KiB I/O, %s at 1 MiB, against %s per entry (Java heap; a kernel pays kcalloc"
                                .formatted(
                                        allocated(found.cell(true, Way.PER_PAGE, MIB)),
                                        allocated(found.cell(true, Way.PER_ENTRY, MIB)))
                        + " with GFP_ATOMIC, which can also fail).");
    }

    private Answer rangeOffset() {
        long all = found.insidePage(OffsetRule.PAGE_SET_AGAIN, mask -> mask >= HvPage.MASK).size();
        long same =
                found.insidePage(OffsetRule.PAGE_SET_AGAIN, mask -> mask >= HvPage.MASK).stream()
                        .filter(row -> row.median("rangeOffset") == row.number("offset"))
                        .count();
        long below = found.insidePage(OffsetRule.PAGE_SET_AGAIN, mask -> mask < HvPage.MASK).size();
        return new Answer(
                "Why does the patch set range.offset again after mapping, and what does that give?",
                "With min_align_mask 4095 it gives nothing: in %d of %d cases the second value was the first. "
                                .formatted(same, all)
                        + "With a smaller mask it does not save the patch either. Of %d I/Os of 8 KiB that began inside a page,"
                                .formatted(below)
                        + " the host read the right bytes %d times with the second assignment and %d times without: the first piece"
                                .formatted(
                                        found.right(
                                                OffsetRule.PAGE_SET_AGAIN,
                                                mask -> mask < HvPage.MASK),
                                        found.right(
                                                OffsetRule.PAGE_ORIGINAL,
                                                mask -> mask < HvPage.MASK))
                        + " then lies at another place of its bounce page and no longer ends where"
                        + " that page ends, but the host reads on to the page's end. (Mapped as one"
                        + " entry, which stays in one"
                        + " piece, the second assignment would be right %d times of %d, none of it needed with 4095.)"
                                .formatted(
                                        found.right(
                                                OffsetRule.ENTRY_SET_AGAIN,
                                                mask -> mask < HvPage.MASK),
                                        below));
    }

    private Answer zeroMask() {
        long kept =
                OffsetTable.OFFSETS.stream()
                        .filter(offset -> found.offset(0, offset).text("kept").equals("yes"))
                        .count();
        long keptBy4095 =
                OffsetTable.OFFSETS.stream()
                        .filter(offset -> found.offset(4095, offset).text("kept").equals("yes"))
                        .count();
        ReportRow read = found.hostRead(0, OffsetRule.ENTRY_ORIGINAL, 512);
        return new Answer(
                "Does bouncing keep the offset in the page, and what does swiotlb do when"
                        + " min_align_mask is zero?",
                "It keeps the bits of the mask and no others. With zero it keeps none: of %d offsets %d survived (that of a page's"
                                .formatted(OffsetTable.OFFSETS.size(), kept)
                        + " beginning), with 4095 %d. What fills a page then begins at a page, anything smaller at any slot. "
                                .formatted(keptBy4095)
                        + "A driver that sends the original offset makes the host read beside the"
                        + " data: of 8 KiB"
                        + " from offset 512, %s bytes were wrong; %s. The last sector the host took was what an"
                                .formatted(
                                        Numbers.three(read.median("wrongBytes")),
                                        read.text("firstWrong"))
                        + " earlier I/O had left in the pool.");
    }

    private Answer nvme() {
        List<ReportRow> zero = found.prp(0);
        String broken =
                zero.stream()
                        .filter(row -> row.text("prp").equals("impossible"))
                        .findFirst()
                        .map(row ->
                                "\"%s\" cannot be named with mask 0 (%s)"
                                        .formatted(row.name("shape"), row.text("violation")))
                        .orElse("every list could be named even with mask 0");
        return new Answer(
                "Why does the NVMe driver need 4095?",
                "A PRP list names whole 4 KiB pages: only the first may begin inside one, only the"
                        + " last may end inside one. A list that keeps this before the bounce keeps it"
                        + " after only if all twelve bits of the"
                        + " offset survive: %s. Of %d such lists could be named: %d with mask 0, %d with 511, %d with 2047, %d with 4095, %d with 65535."
                                .formatted(
                                        broken,
                                        zero.size(),
                                        valid(0),
                                        valid(511),
                                        valid(2047),
                                        valid(4095),
                                        valid(65535)));
    }

    private Answer priceOfEntries() {
        return new Answer(
                "Is mapping whole entries better in everything?",
                "No. A bounced entry needs one run of slots. The largest contiguous command is %s per entry and"
                                .formatted(largest(Way.PER_ENTRY))
                        + " %s per page, so the block layer has to be told dma_max_mapping_size (this one is: 1 MiB goes as %s"
                                .formatted(
                                        largest(Way.PER_PAGE),
                                        Numbers.three(
                                                found.cell(true, Way.PER_ENTRY, MIB)
                                                        .median("commands")))
                        + " commands). And runs get short when a pool is fragmented: with half of"
                        + " it strewn with"
                        + " single pages the largest mapping that fits is %s, with 90 %% %s, while a single page still"
                                .formatted(
                                        Numbers.bytes(
                                                found.pressure(true, 50, 1)
                                                        .median("largestFreeBytes")),
                                        Numbers.bytes(
                                                found.pressure(true, 90, 1)
                                                        .median("largestFreeBytes")))
                        + " finds room (%s %% of them failed at 99 %%)."
                                .formatted(
                                        Numbers.three(
                                                found.pressure(true, 99, 1)
                                                        .median("failed4KPercent"))));
    }

    private Answer pressure() {
        ReportRow low = found.pressure(false, 10, 1);
        ReportRow high = found.pressure(false, 95, 1);
        ReportRow crowd = found.pressure(false, 95, 16);
        ReportRow full = found.pressure(true, 99, 16);
        double growths =
                found.growing().stream().mapToDouble(row -> row.median("growths")).max().orElse(0);
        double failedGrowing =
                found.growing().stream()
                        .mapToDouble(row -> row.median("failedPercent"))
                        .max()
                        .orElse(0);
        return new Answer(
                "What happens when the pool runs full? (Not asked then, but it decides whether"
                        + " bouncing can be relied on.)",
                "Finding slots costs %s at 10 %% use and %s at 95 %%, one thread, %s segments looked at; %s with 16 threads. "
                                .formatted(
                                        Numbers.time(low.median("nsPerAttempt")),
                                        Numbers.time(high.median("nsPerAttempt")),
                                        Numbers.three(high.median("segmentsPerAttempt")),
                                        Numbers.time(crowd.median("nsPerAttempt")))
                        + "At 99 %%, strewn, 16 threads, %s %% of the mix failed and %s %% of its 4 KiB mappings; the unluckiest thread"
                                .formatted(
                                        Numbers.three(full.median("failedPercent")),
                                        Numbers.three(full.median("failed4KPercent")))
                        + " succeeded %s times as often as the luckiest. A pool that may grow grew %s times and failed %s %%."
                                .formatted(
                                        Numbers.three(full.median("worstToBestThread")),
                                        Numbers.three(growths),
                                        Numbers.three(failedGrowing)));
    }

    private long valid(int mask) {
        return found.prp(mask).stream().filter(row -> row.text("prp").equals("valid")).count();
    }

    private String largest(Way way) {
        return Numbers.bytes(found.cell(true, way, MIB).median("largestCommandBytes"));
    }

    private String pair(boolean isolated, int bytes) {
        double page = found.cell(isolated, Way.PER_PAGE, bytes).median("mappingNs");
        double entry = found.cell(isolated, Way.PER_ENTRY, bytes).median("mappingNs");
        return "%s: %s per page, %s per entry (%s)"
                .formatted(
                        Numbers.bytes(bytes),
                        Numbers.time(page),
                        Numbers.time(entry),
                        compared(entry, page));
    }

    private String iops(boolean isolated) {
        List<String> parts = new ArrayList<>();
        for (int bytes : new int[] {4 * KIB, 64 * KIB, MIB}) {
            ReportRow row = found.cell(isolated, Way.PER_ENTRY, bytes);
            double median = row.median("iopsAgainstPerPagePercent");
            ReportRow page = found.cell(isolated, Way.PER_PAGE, bytes);
            // A round that a noisy machine slowed down says nothing: the fastest ones must agree.
            double fastest =
                    100
                            * (Findings.sample(row, "iops").max()
                                            / Findings.sample(page, "iops").max()
                                    - 1);
            boolean clear =
                    median * fastest > 0
                            && Math.min(Math.abs(median), Math.abs(fastest)) >= NOISE_PERCENT;
            parts.add(
                    "%s %s (median %+.0f %%, fastest rounds %+.0f %%)"
                            .formatted(
                                    Numbers.bytes(bytes),
                                    clear ? (median > 0 ? "more" : "fewer") : "no clear difference",
                                    median,
                                    fastest));
        }
        return String.join(", ", parts);
    }

    private static String compared(double value, double base) {
        double percent = 100 * (value / base - 1);
        return Math.abs(percent) < NOISE_PERCENT ? "the same" : Numbers.percent(value, base);
    }

    private static String time(ReportRow row) {
        return Numbers.time(row.median("mappingNs"));
    }

    private static String allocated(ReportRow row) {
        return Numbers.three(row.median("mapAllocatedBytes")) + " B";
    }
}
