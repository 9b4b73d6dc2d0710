package dev.airlock.lab.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.memory.HvPage;
import dev.airlock.storvsp.server.StorageHost;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of an offset in its page, held against what the rules of swiotlb say. */
class OffsetsTest {
    private static final int SLOT_MASK = 2047;

    @TempDir private Path folder;

    @Test
    void shouldKeepTheBitsOfTheMaskAndInTheSlotNoOthers() throws Exception {
        List<ReportRow> rows = OffsetTable.rows();
        assertThat(rows).hasSize(OffsetTable.MASKS.size() * OffsetTable.OFFSETS.size());
        for (ReportRow row : rows) {
            int mask = row.number("minAlignMask");
            int offset = row.number("offset");
            int dmaOffset = (int) row.median("dmaOffset");
            assertThat((dmaOffset ^ offset) & mask & HvPage.MASK).as(row.key().toString()).isZero();
            assertThat(dmaOffset & SLOT_MASK)
                    .as(row.key().toString())
                    .isEqualTo(offset & mask & SLOT_MASK);
            assertThat(row.text("kept")).isEqualTo(dmaOffset == offset ? "yes" : "no");
            assertThat(row.median("pages")).isEqualTo(HvPage.span(dmaOffset, OffsetTable.BYTES));
            if (mask >= HvPage.MASK) {
                assertThat(row.text("kept")).isEqualTo("yes");
            } else if (mask == 0) {
                assertThat(dmaOffset).as("what fills a page begins at one").isZero();
            }
        }
    }

    @Test
    void shouldReadTheRightBytesExactlyWhenTheOffsetSentIsWhereTheDataIs() throws Exception {
        List<ReportRow> rows;
        try (StorageHost host = LabHost.start(folder)) {
            rows = HostReads.rows(host.socket());
        }
        int rules = OffsetRule.values().length;
        assertThat(rows).hasSize(OffsetTable.MASKS.size() * rules * HostReads.OFFSETS.size());
        for (ReportRow row : rows) {
            String name = row.key().toString();
            int mask = row.number("minAlignMask");
            int offset = row.number("offset");
            boolean right = row.text("result").equals("right");
            boolean sentWhereItIs = row.median("dmaOffset") == row.median("rangeOffset");
            assertThat(row.median("wrongBytes") == 0).as(name).isEqualTo(right);
            assertThat(row.text("firstWrong").isEmpty()).as(name).isEqualTo(right);
            assertThat(row.text("sectors").matches("=+")).as(name).isEqualTo(right);
            if (mask >= HvPage.MASK) {
                assertThat(right).as(name).isTrue();
                assertThat(row.median("rangeOffset")).as(name).isEqualTo(offset);
            }
            if (row.name("rule").startsWith("per entry")) {
                assertThat(right).as(name).isEqualTo(sentWhereItIs);
            } else if (right) {
                assertThat(sentWhereItIs).as(name).isTrue();
            }
        }
    }

    @Test
    void shouldShowWhatTheHostReadsInPlaceOfTheData() throws Exception {
        try (StorageHost host = LabHost.start(folder)) {
            ReportRow row =
                    HostReads.rows(host.socket()).stream()
                            .filter(each -> each.is("minAlignMask", 0))
                            .filter(each -> each.is("rule", OffsetRule.ENTRY_ORIGINAL.label()))
                            .filter(each -> each.is("offset", 512))
                            .findFirst()
                            .orElseThrow();
            // All a sector late, and at the end a sector that another I/O left in the pool.
            assertThat(row.text("sectors")).isEqualTo(">".repeat(15) + "!");
            assertThat(row.text("firstWrong"))
                    .isEqualTo(
                            "byte 0: expected 00 00 00 00 00 00 00 d1 08 00 00 00 00 00 00 d1,"
                                    + " host read 00 02 00 00 00 00 00 d1 08 02 00 00 00 00 00 d1");
        }
    }
}
