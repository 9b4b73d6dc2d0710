package dev.airlock.lab.mapping;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** PRP entries against the rules of the NVMe specification. */
class PrpTest {
    private static final long LISTS = 1L << 40;

    /** Identity mappings of random lists: any shape, with and without broken rules. */
    @Test
    void shouldNameExactlyTheMappedMemoryOrSayWhyNot() throws Exception {
        SplittableRandom random = new SplittableRandom(Seeds.next());
        try (GuestMemory memory = GuestMemory.shared(64 << 20);
                DmaMapper mapper =
                        DmaMapper.forGuest(memory, SwiotlbOptions.DEFAULTS, DmaLimits.STORVSC)) {
            int valid = 0;
            for (int turn = 0; turn < 2000; turn++) {
                Scatterlist list = randomList(random);
                mapper.mapSg(list, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
                PrpEntries entries = PrpEntries.of(list, LISTS);
                assertThat(entries.violation() == null).isEqualTo(hasNoGap(list));
                if (entries.violation() == null) {
                    valid++;
                    List<PrpController.Range> read =
                            PrpController.read(entries, (int) list.totalBytes());
                    assertThat(PrpTable.difference(list, read)).isNull();
                    assertThat(entries.pages()).isEqualTo(read.size());
                }
                mapper.unmapSg(list, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
            }
            assertThat(valid).as("both kinds were drawn").isBetween(200, 1800);
        }
    }

    @Test
    void shouldChainListsAtTheirPagesEnds() throws Exception {
        try (GuestMemory memory = GuestMemory.shared(64 << 20);
                DmaMapper mapper =
                        DmaMapper.forGuest(memory, SwiotlbOptions.DEFAULTS, DmaLimits.STORVSC)) {
            for (int pages : new int[] {1, 2, 3, 513, 514, 1024, 1025}) {
                Scatterlist list = new Scatterlist(1);
                list.add(1 << 20, pages * HvPage.SIZE);
                mapper.mapSg(list, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
                PrpEntries entries = PrpEntries.of(list, LISTS);
                int listed = pages <= 2 ? 0 : pages - 1;
                int listPages = listed <= 512 ? Math.min(listed, 1) : Math.ceilDiv(listed - 1, 511);
                assertThat(entries.lists()).as("pages=" + pages).hasSize(listPages);
                if (listPages > 1) {
                    assertThat(entries.lists().getFirst()[511]).isEqualTo(LISTS + HvPage.SIZE);
                }
                assertThat(PrpController.read(entries, pages * HvPage.SIZE)).hasSize(pages);
            }
        }
    }

    @Test
    void shouldRefuseAsTheControllerWhatTheRulesForbid() {
        int bytes = 3 * HvPage.SIZE;
        long[] good = {0x2000, 0x3000};
        assertThat(PrpController.read(command(0x1000, LISTS, good), bytes)).hasSize(3);
        assertThat(PrpController.read(command(0x1200, LISTS, good), bytes - 0x200)).hasSize(3);
        assertRefused(command(0x1002, LISTS, good), bytes, "PRP1 is not a multiple of 4");
        assertRefused(command(0x1000, LISTS, 0x2000, 0x3800), bytes, "PRP Offset Invalid");
        assertRefused(command(0x1000, LISTS, 0x2000), bytes, "a list that is too short");
        assertRefused(command(0x1000, LISTS + 4, good), bytes, "a list that is not a multiple");
        assertRefused(command(0x1000, LISTS + 4096, good), bytes, "a list that is not there");
        PrpEntries two = new PrpEntries(0x1000, 0x2800, List.of(), LISTS, null);
        assertRefused(two, 2 * HvPage.SIZE, "PRP Offset Invalid");
        assertRefused(two, HvPage.SIZE, "PRP2 of a command that has no second page");
    }

    @Test
    void shouldFindEveryListPossibleFromAMaskOf4095OnAndNotBefore() throws Exception {
        List<ReportRow> rows = PrpTable.rows();
        for (int mask : OffsetTable.MASKS) {
            boolean all =
                    rows.stream()
                            .filter(row -> row.is("minAlignMask", mask))
                            .allMatch(row -> row.text("prp").equals("valid"));
            assertThat(all).as("mask=" + mask).isEqualTo(mask >= HvPage.MASK);
        }
    }

    private static PrpEntries command(long prp1, long prp2, long... list) {
        return new PrpEntries(prp1, prp2, List.of(list), LISTS, null);
    }

    private static void assertRefused(PrpEntries command, int bytes, String why) {
        assertThatThrownBy(() -> PrpController.read(command, bytes))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why);
    }

    private static boolean hasNoGap(Scatterlist mapped) {
        int last = mapped.dmaEntries() - 1;
        for (int i = 0; i <= last; i++) {
            long end = mapped.dmaAddress(i) + mapped.dmaBytes(i);
            if (i > 0 && mapped.dmaAddress(i) % HvPage.SIZE != 0) {
                return false;
            }
            if (i < last && end % HvPage.SIZE != 0) {
                return false;
            }
        }
        return true;
    }

    private static Scatterlist randomList(SplittableRandom random) {
        int entries = 1 + random.nextInt(5);
        Scatterlist list = new Scatterlist(entries);
        for (int i = 0; i < entries; i++) {
            int offset = i == 0 || random.nextInt(8) == 0 ? 4 * random.nextInt(1024) : 0;
            int bytes = (1 + random.nextInt(300)) * HvPage.SIZE - offset;
            boolean cut = i == entries - 1 || random.nextInt(8) == 0;
            list.add((i + 1L) * (8 << 20) + offset, cut ? bytes - random.nextInt(bytes) : bytes);
        }
        return list;
    }
}
