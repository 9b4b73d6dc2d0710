package dev.airlock.lab.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaChecker;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.lab.workload.Baseline;
import dev.airlock.lab.workload.VerifiedWorkload;
import dev.airlock.lab.workload.WorkloadOptions;
import dev.airlock.lab.workload.WorkloadResult;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.storvsc.IoMapping;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import dev.airlock.storvsp.server.StorageHost;
import dev.airlock.vmbus.GpaDirectPacket;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Both drivers carry the same data; they differ in how, not in what. */
class BothWaysTest {
    private static final long RUN_NANOS = 300_000_000;
    private static final int PAGES_MAX = 63;

    @TempDir private Path folder;

    @ParameterizedTest
    @CsvSource({
        "PER_PAGE,true,4096",
        "PER_PAGE,true,65536",
        "PER_PAGE,false,4096",
        "PER_PAGE,false,16384",
        "PER_ENTRY,true,4096",
        "PER_ENTRY,true,65536",
        "PER_ENTRY,false,16384"
    })
    void shouldCarryEveryByteThroughTheWholePath(Way way, boolean isolated, int guestPageBytes)
            throws Exception {
        long seed = Seeds.next();
        GuestOptions options =
                GuestOptions.standard(isolated)
                        .withStorvsc(new StorvscOptions().mapping(way.factory()))
                        .withSwiotlb(GuestOptions.standard(true).swiotlb().withChecker(true))
                        .withDma(DmaLimits.STORVSC.withGuestPageBytes(guestPageBytes));
        try (StorageHost host = LabHost.start(folder);
                StorageGuest guest = StorageGuest.connect(host.socket(), options)) {
            WorkloadResult result =
                    new VerifiedWorkload(
                                    guest.disks().get(1),
                                    guest.memory(),
                                    new WorkloadOptions(
                                            2, 2, seed, false, 1 << 20, 4 << 20, Baseline.ZEROES))
                            .run(RUN_NANOS);
            assertThat(result.firstFailure()).isNull();
            assertThat(result.wrongBytes()).isZero();
            assertThat(result.isGood()).isTrue();
            assertThat(guest.mapper().statistics().slotsUsed()).isZero();
            assertThat(((DmaChecker) guest.mapper()).misuses()).isEmpty();
        }
    }

    /** Random lists, seen as the host sees them: range.offset, byte count, PFNs. */
    @ParameterizedTest
    @EnumSource
    void shouldNameThePagesThatHoldTheData(Way way) throws Exception {
        SplittableRandom random = new SplittableRandom(Seeds.next());
        try (GuestMemory memory = GuestMemory.isolated(8 << 20, 8 << 20);
                DmaMapper mapper =
                        DmaMapper.forGuest(
                                memory,
                                SwiotlbOptions.DEFAULTS.withPoolBytes(4 << 20).withChecker(true),
                                DmaLimits.STORVSC)) {
            IoMapping mapping = way.factory().create(mapper, 1, PAGES_MAX + 1);
            MemorySegment packet = Arena.ofAuto().allocate(4096, 8);
            for (int turn = 0; turn < 500; turn++) {
                Scatterlist list = randomList(random);
                byte[] original = fill(memory, list, random);
                int offset = (int) list.gpa(0) & HvPage.MASK;
                GpaDirectPacket.encode(packet, 0, original.length, offset, PAGES_MAX + 1, 64, 0, 1);
                int pages =
                        mapping.map(0, list, DmaDirection.TO_DEVICE, DmaAttributes.NONE, packet, 0);
                assertThat(pages).isEqualTo((int) HvPage.span(offset, original.length));
                assertThat(GpaDirectPacket.byteOffset(packet, 0)).isEqualTo(offset);
                assertThat(asTheHostSees(memory, packet, pages, original.length))
                        .isEqualTo(original);
                assertThat(mapping.exposesCaller(0, list)).isFalse();
                assertThat(mapping.slotsHeld(0, list))
                        .isEqualTo((int) mapper.statistics().slotsUsed());
                mapping.unmap(0, list, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
            }
            assertThat(mapper.statistics().slotsUsed()).isZero();
        }
    }

    @Test
    void shouldTakeBackWhatItMappedWhenThePoolIsFull() throws Exception {
        try (GuestMemory memory = GuestMemory.isolated(8 << 20, 4 << 20);
                DmaMapper mapper =
                        DmaMapper.forGuest(
                                memory,
                                SwiotlbOptions.DEFAULTS.withPoolBytes(1 << 20).withChecker(true),
                                DmaLimits.STORVSC)) {
            IoMapping mapping = Way.PER_PAGE.factory().create(mapper, 2, 257);
            MemorySegment packet = Arena.ofAuto().allocate(4096, 8);
            Scatterlist small = list(4096, 4096);
            Scatterlist all = list(1 << 20, 1 << 20);
            DmaDirection in = DmaDirection.FROM_DEVICE;
            assertThat(mapping.map(0, small, in, DmaAttributes.NONE, packet, 0)).isEqualTo(1);
            assertThat(mapping.map(1, all, in, DmaAttributes.NONE, packet, 0))
                    .isEqualTo(IoMapping.BUSY);
            assertThat(mapper.statistics().slotsUsed()).isEqualTo(2);
            mapping.unmap(0, small, in, DmaAttributes.NONE);
            assertThat(mapping.map(1, all, in, DmaAttributes.NONE, packet, 0)).isEqualTo(256);
            mapping.unmap(1, all, in, DmaAttributes.NONE);
        }
    }

    @Test
    void shouldAllocatePerIoOnlyThePatchsWay() throws Exception {
        try (GuestMemory memory = GuestMemory.isolated(8 << 20, 8 << 20);
                DmaMapper mapper =
                        DmaMapper.forGuest(
                                memory,
                                SwiotlbOptions.DEFAULTS.withPoolBytes(4 << 20),
                                DmaLimits.STORVSC)) {
            List<Scatterlist> buffers = List.of(list(1 << 20, 64 << 10));
            DmaDirection in = DmaDirection.FROM_DEVICE;
            for (Way way : Way.values()) {
                MapLoop loop = new MapLoop(mapper, way, in, buffers, 252 << 10);
                loop.measure(20_000_000); // until it is compiled
                double bytes = loop.measure(5_000_000).allocatedBytes();
                if (way == Way.PER_PAGE) {
                    assertThat(bytes).as("16 pages of 16 bytes").isBetween(256.0, 300.0);
                } else {
                    assertThat(bytes).isLessThan(1);
                }
            }
        }
    }

    private static Scatterlist list(long gpa, int bytes) {
        Scatterlist list = new Scatterlist(1);
        list.add(gpa, bytes);
        return list;
    }

    /** A list that is one GPA range: only its first entry may begin off a page. */
    private static Scatterlist randomList(SplittableRandom random) {
        int entries = 1 + random.nextInt(4);
        Scatterlist list = new Scatterlist(entries);
        for (int entry = 0; entry < entries; entry++) {
            int offset = entry == 0 ? random.nextInt(HvPage.SIZE) : 0;
            int pages = 1 + random.nextInt(12);
            int bytes = pages * HvPage.SIZE - offset;
            if (entry == entries - 1) {
                bytes -= random.nextInt(Math.min(bytes, HvPage.SIZE));
            }
            list.add((1L << 20) * (entry + 1) + offset, bytes);
        }
        return list;
    }

    private static byte[] fill(GuestMemory memory, Scatterlist list, SplittableRandom random) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int entry = 0; entry < list.entries(); entry++) {
            byte[] data = new byte[list.bytes(entry)];
            random.nextBytes(data);
            MemorySegment.copy(
                    data, 0, memory.bytes(), ValueLayout.JAVA_BYTE, list.gpa(entry), data.length);
            all.writeBytes(data);
        }
        return all.toByteArray();
    }

    private static byte[] asTheHostSees(
            GuestMemory memory, MemorySegment packet, int pages, int bytes) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        int offset = (int) GpaDirectPacket.byteOffset(packet, 0);
        for (int page = 0; page < pages; page++) {
            int part = Math.min(HvPage.SIZE - offset, bytes - all.size());
            long at = (GpaDirectPacket.pfn(packet, 0, page) << HvPage.SHIFT) + offset;
            assertThat(memory.isVisible(at, part)).isTrue();
            all.writeBytes(memory.bytes().asSlice(at, part).toArray(ValueLayout.JAVA_BYTE));
            offset = 0;
        }
        return all.toByteArray();
    }
}
