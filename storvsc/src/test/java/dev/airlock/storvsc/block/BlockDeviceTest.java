package dev.airlock.storvsc.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.dma.Scatterlist;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.ProvisioningPage;
import dev.airlock.scsi.SenseKey;
import dev.airlock.storvsc.FakeDisk;
import dev.airlock.storvsc.Rig;
import dev.airlock.storvsc.Seed;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Block requests on one thread: guest, adapter and host in turn. */
@NullUnmarked
class BlockDeviceTest {
    private static final int DISK_BYTES = 4 << 20;

    private final FakeDisk disk = Rig.disk(512, DISK_BYTES);
    private Rig rig;
    private BlockDevice device;

    private void open(Rig.Setup setup, int queueDepth) throws IOException {
        rig = setup.open();
        rig.adapter.rescan();
        device = BlockDevice.open(rig.adapter, rig.adapter.luns().getFirst(), queueDepth);
    }

    private void open() throws IOException {
        open(Rig.with(disk), 64);
    }

    @AfterEach
    void everythingIsGivenBack() {
        if (rig != null) {
            assertThat(rig.slotsInUse()).isZero();
            assertThat(rig.adapter.statistics().inFlight()).isZero();
            device.close();
            rig.close();
        }
    }

    private static Scatterlist one(long gpa, int bytes) {
        Scatterlist list = new Scatterlist(1);
        list.add(gpa, bytes);
        return list;
    }

    private static byte[] noise(Random random, int bytes) {
        byte[] data = new byte[bytes];
        random.nextBytes(data);
        return data;
    }

    @Test
    void shouldReadBackWhatItWroteAtAnyOffsetAndSize() throws IOException {
        open();
        Random random = new Random(Seed.get());
        byte[] model = disk.data.clone();
        for (int round = 0; round < 60; round++) {
            int bytes = 512 * (1 + random.nextInt(2048));
            long at = 512L * random.nextInt((DISK_BYTES - bytes) / 512 + 1);
            int offset = 512 * random.nextInt(8);
            long gpa = rig.allocate(bytes, offset);
            if (random.nextBoolean()) {
                byte[] data = noise(random, bytes);
                rig.fill(gpa, data);
                device.write(at, one(gpa, bytes), random.nextBoolean());
                System.arraycopy(data, 0, model, (int) at, bytes);
            } else {
                device.read(at, one(gpa, bytes));
                assertThat(rig.read(gpa, bytes))
                        .isEqualTo(Arrays.copyOfRange(model, (int) at, (int) at + bytes));
            }
            rig.memory.privatePages().free(gpa - offset, (long) bytes + offset);
        }
        assertThat(disk.data).isEqualTo(model);
    }

    @Test
    void shouldSplitToTheLargestBounce() throws IOException {
        open();
        long gpa = rig.allocate(1 << 20, 512);
        int before = disk.commands;
        device.read(0, one(gpa, 1 << 20));
        assertThat(disk.commands - before).isEqualTo(5);
        assertThat(disk.largestTransfer).isEqualTo(258_048);
    }

    @Test
    void shouldSplitToWhatTheHostAllowsWhereNothingIsBounced() throws IOException {
        open(Rig.with(disk).isolated(false), 64);
        long gpa = rig.allocate(3 << 20, 0);
        int before = disk.commands;
        device.read(0, one(gpa, 3 << 20));
        assertThat(disk.commands - before).isEqualTo(3);
        assertThat(disk.largestTransfer).isEqualTo(1 << 20);
        assertThat(rig.mapper.statistics().bouncedMappings()).isZero();
    }

    @Test
    void shouldSplitToTheDevicesOwnLimit() throws IOException {
        disk.maxTransferBlocks = 16;
        open();
        device.read(0, one(rig.allocate(64 << 10, 0), 64 << 10));
        assertThat(disk.largestTransfer).isEqualTo(8192);
    }

    @Test
    void shouldSplitAtGapsInTheList() throws IOException {
        open();
        Random random = new Random(Seed.get());
        byte[] data = noise(random, 4096);
        long gpa = rig.allocate(64 << 10, 0);
        Scatterlist list = new Scatterlist(8);
        for (int i = 0; i < 8; i++) {
            long part = gpa + i * 8192L + 512L * i;
            rig.fill(part, Arrays.copyOfRange(data, i * 512, i * 512 + 512));
            list.add(part, 512);
        }
        device.write(1024, list, false);
        assertThat(Arrays.copyOfRange(disk.data, 1024, 1024 + 4096)).isEqualTo(data);
    }

    @Test
    void shouldRefuseAGapInsideASector() throws IOException {
        open();
        long gpa = rig.allocate(16 << 10, 0);
        Scatterlist list = new Scatterlist(2);
        list.add(gpa, 256);
        list.add(gpa + 8192, 256);
        assertThatThrownBy(() -> device.read(0, list))
                .isInstanceOfSatisfying(
                        BlockException.class,
                        e -> assertThat(e.status()).isEqualTo(BlockStatus.BAD_LAYOUT));
    }

    @Test
    void shouldRefuseWhatIsOutsideOrNotWholeSectors() throws IOException {
        open();
        long gpa = rig.allocate(4096, 0);
        int before = disk.commands;
        for (long offset : new long[] {-512, 100, DISK_BYTES, DISK_BYTES - 512, Long.MAX_VALUE}) {
            BlockRequest request = new BlockRequest().read(offset, one(gpa, 1024));
            device.submit(request);
            assertThat(request.status())
                    .as("offset %d", offset)
                    .isEqualTo(BlockStatus.OUT_OF_RANGE);
        }
        device.submit(new BlockRequest().trim(0, -512));
        assertThat(disk.commands).isEqualTo(before);
    }

    @Test
    void shouldWaitAndNeverFailWhenThePoolIsTooSmallForAll() throws IOException {
        open(Rig.with(disk).poolBytes(1 << 20), 64);
        List<BlockRequest> ended = new ArrayList<>();
        Random random = new Random(Seed.get());
        byte[] data = noise(random, 3 << 20);
        long gpa = rig.allocate(data.length, 0);
        rig.fill(gpa, data);
        for (int i = 0; i < 12; i++) {
            int at = i * (256 << 10);
            device.submit(
                    new BlockRequest()
                            .write(at, one(gpa + at, 256 << 10), false)
                            .onCompletion(ended::add));
        }
        assertThat(rig.adapter.statistics().busyNoSlots()).isPositive();
        rig.settle();
        assertThat(ended).hasSize(12).allMatch(r -> r.status() == BlockStatus.OK);
        assertThat(Arrays.copyOf(disk.data, data.length)).isEqualTo(data);
    }

    @Test
    void shouldWaitWhenTagsRingOrTransfersRunOut() throws IOException {
        Rig.Setup setup = Rig.with(disk);
        setup.options().queueDepth(2).ringBytes(8192);
        open(setup, 3);
        List<BlockRequest> ended = new ArrayList<>();
        long gpa = rig.allocate(4096, 0);
        for (int i = 0; i < 40; i++) {
            device.submit(
                    new BlockRequest().read(i * 512L, one(gpa, 512)).onCompletion(ended::add));
        }
        rig.settle();
        assertThat(ended).hasSize(40).allMatch(r -> r.status() == BlockStatus.OK);
        assertThat(rig.adapter.statistics().busyNoTag()).isPositive();
    }

    @Test
    void shouldLetNothingOvertakeARequestThatWaits() throws IOException {
        Rig.Setup setup = Rig.with(disk);
        setup.options().queueDepth(1);
        open(setup, 64);
        long gpa = rig.allocate(520 << 10, 0);
        device.submit(new BlockRequest().read(0, gpa, 520 << 10));
        device.submit(new BlockRequest().read(2 << 20, gpa, 512));
        rig.settle();
        assertThat(disk.reads).containsExactly(0L, 504L, 1008L, 4096L);
    }

    @Test
    void shouldMakeSmallerCommandsWhenOneCanNeverBeMapped() throws IOException {
        Rig.Setup setup = Rig.with(disk);
        setup.options().mapping((mapper, tags, pages) -> new SmallMapping(mapper, 60_000));
        open(setup, 64);
        Random random = new Random(Seed.get());
        byte[] data = noise(random, 1 << 20);
        long gpa = rig.allocate(data.length, 1536);
        rig.fill(gpa, data);
        device.write(0, gpa, data.length, false);
        assertThat(disk.largestTransfer).isBetween(30_000L, 60_000L);
        assertThat(Arrays.copyOf(disk.data, data.length)).isEqualTo(data);
    }

    @Test
    void shouldAskABusyHostAgain() throws IOException {
        open();
        disk.busyAnswers = 3;
        BlockRequest request = new BlockRequest().read(0, one(rig.allocate(512, 0), 512));
        device.submit(request);
        rig.settle();
        assertThat(request.status()).isEqualTo(BlockStatus.PENDING);
        for (int i = 0; i < 3; i++) {
            rig.adapter.tick();
            rig.settle();
        }
        assertThat(request.status()).isEqualTo(BlockStatus.OK);
    }

    @Test
    void shouldGiveUpOnAHostThatStaysBusy() throws IOException {
        open();
        disk.busyAnswers = Integer.MAX_VALUE;
        BlockRequest request = new BlockRequest().read(0, one(rig.allocate(512, 0), 512));
        device.submit(request);
        rig.settle();
        for (int i = 0; i < 5; i++) {
            rig.advanceMs(20_000);
            rig.adapter.tick();
            rig.settle();
        }
        assertThat(request.status()).isEqualTo(BlockStatus.IO_ERROR);
    }

    @Test
    void shouldRepeatAfterUnitAttentionsAndLookAgainWhenTheyTellOfChanges() throws IOException {
        open();
        disk.attentions.add(AdditionalSense.POWER_ON_RESET_OR_BUS_DEVICE_RESET);
        device.read(0, one(rig.allocate(512, 0), 512));
        assertThat(rig.adapter.rescanIfWanted()).isFalse();
        disk.attentions.add(AdditionalSense.CAPACITY_DATA_CHANGED);
        disk.data = Arrays.copyOf(disk.data, DISK_BYTES * 2);
        device.read(0, one(rig.allocate(512, 0), 512));
        assertThat(rig.adapter.rescanIfWanted()).isTrue();
        assertThat(device.sizeBytes()).isEqualTo(DISK_BYTES * 2L);
    }

    @Test
    void shouldCarryTheSenseOfAFailureToTheCaller() throws IOException {
        open();
        BlockRequest request =
                new BlockRequest().read(DISK_BYTES - 512, one(rig.allocate(512, 0), 512));
        disk.data = Arrays.copyOf(disk.data, DISK_BYTES / 2);
        assertThatThrownBy(() -> device.execute(request))
                .isInstanceOfSatisfying(
                        BlockException.class,
                        e -> {
                            assertThat(e.senseKey()).isEqualTo(SenseKey.ILLEGAL_REQUEST);
                            assertThat(e.additionalSense())
                                    .isEqualTo(AdditionalSense.LBA_OUT_OF_RANGE);
                            assertThat(e.status()).isEqualTo(BlockStatus.OUT_OF_RANGE);
                        })
                .hasMessageContaining("READ offset=" + (DISK_BYTES - 512));
    }

    @Test
    void shouldSetFuaWhereTheDeviceHasItAndFlushWhereNot() throws IOException {
        open();
        long gpa = rig.allocate(4096, 0);
        device.write(0, one(gpa, 4096), true);
        assertThat(disk.fuaWrites).isEqualTo(1);
        assertThat(disk.flushes).isZero();
        device.write(0, one(gpa, 4096), false);
        assertThat(disk.fuaWrites).isEqualTo(1);

        disk.fua = false;
        rig.adapter.rescan();
        device.write(0, one(gpa, 4096), true);
        assertThat(disk.fuaWrites).isEqualTo(1);
        assertThat(disk.flushes).isEqualTo(1);
    }

    @Test
    void shouldFlush() throws IOException {
        open();
        device.flush();
        assertThat(disk.flushes).isEqualTo(1);
    }

    @Test
    void shouldTrimInPiecesThatTheDeviceTakes() throws IOException {
        open();
        Arrays.fill(disk.data, (byte) 1);
        device.trim(512, 100 * 512);
        assertThat(disk.unmaps).isEqualTo(2);
        assertThat(disk.data[0]).isEqualTo((byte) 1);
        assertThat(disk.data[512]).isZero();
        assertThat(disk.data[101 * 512 - 1]).isZero();
        assertThat(disk.data[101 * 512]).isEqualTo((byte) 1);
    }

    @Test
    void shouldTrimByWriteSameWhereTheDeviceWantsThat() throws IOException {
        disk.provisioning = ProvisioningPage.LBPWS;
        open();
        Arrays.fill(disk.data, (byte) 1);
        device.trim(0, 4096);
        assertThat(disk.unmaps).isZero();
        assertThat(disk.writeSames).isEqualTo(1);
        assertThat(disk.data[4095]).isZero();
    }

    @Test
    void shouldSayThatTrimIsUnsupportedWhereItIs() throws IOException {
        disk.provisioning = 0;
        open();
        assertThatThrownBy(() -> device.trim(0, 4096))
                .isInstanceOfSatisfying(
                        BlockException.class,
                        e -> assertThat(e.status()).isEqualTo(BlockStatus.UNSUPPORTED));
    }

    @Test
    void shouldWriteZeroesByWriteSameInPieces() throws IOException {
        open();
        Arrays.fill(disk.data, (byte) 1);
        device.writeZeroes(512, 200 * 512, false);
        assertThat(disk.writeSames).isEqualTo(2);
        assertThat(disk.data[511]).isEqualTo((byte) 1);
        assertThat(disk.data[512]).isZero();
        assertThat(disk.data[201 * 512 - 1]).isZero();
        assertThat(disk.data[201 * 512]).isEqualTo((byte) 1);
    }

    @Test
    void shouldWriteZeroesAsDataWhereThereIsNoWriteSame() throws IOException {
        disk.writeSame = false;
        open();
        Arrays.fill(disk.data, (byte) 1);
        device.writeZeroes(512, 999 * 512, true);
        assertThat(disk.data[511]).isEqualTo((byte) 1);
        byte[] zeroes = new byte[999 * 512];
        assertThat(Arrays.copyOfRange(disk.data, 512, 512 + zeroes.length)).isEqualTo(zeroes);
        assertThat(disk.data[1000 * 512]).isEqualTo((byte) 1);
        int before = disk.commands;
        device.writeZeroes(0, 512, true);
        assertThat(disk.commands).isEqualTo(before + 1);
    }

    @Test
    void shouldRefuseWritesToAReadOnlyDevice() throws IOException {
        disk.readOnly = true;
        open();
        int before = disk.commands;
        BlockRequest write = new BlockRequest().write(0, one(rig.allocate(512, 0), 512), false);
        device.submit(write);
        assertThat(write.status()).isEqualTo(BlockStatus.READ_ONLY);
        assertThat(disk.commands).isEqualTo(before);
    }

    @Test
    void shouldEndRequestsToADiskThatWasRemoved() throws IOException {
        open();
        disk.luns().clear();
        BlockRequest request = new BlockRequest().read(0, one(rig.allocate(512, 0), 512));
        device.submit(request);
        rig.settle();
        assertThat(request.status()).isEqualTo(BlockStatus.GONE);
        assertThat(rig.adapter.rescanIfWanted()).isTrue();
        assertThat(device.isGone()).isTrue();
    }

    @Test
    void shouldEndEverythingWhenTheAdapterCloses() throws IOException {
        Rig.Setup setup = Rig.with(disk);
        setup.options().queueDepth(2);
        open(setup, 64);
        List<BlockRequest> ended = new ArrayList<>();
        long gpa = rig.allocate(1 << 20, 0);
        for (int i = 0; i < 10; i++) {
            device.submit(new BlockRequest().read(0, one(gpa, 1 << 20)).onCompletion(ended::add));
        }
        assertThat(ended).isEmpty();
        rig.adapter.close();
        assertThat(ended).hasSize(10).allMatch(r -> r.status() == BlockStatus.GONE);
    }

    @Test
    void shouldEndAnEmptyRequestAtOnce() throws IOException {
        open();
        BlockRequest request = new BlockRequest().trim(512, 0);
        device.submit(request);
        assertThat(request.status()).isEqualTo(BlockStatus.OK);
    }

    @Test
    void shouldWorkWithSectorsOf4096() throws IOException {
        FakeDisk large = Rig.disk(4096, 1 << 20);
        open(Rig.with(large), 16);
        byte[] data = noise(new Random(Seed.get()), 12_288);
        long gpa = rig.allocate(data.length, 512);
        rig.fill(gpa, data);
        device.write(8192, one(gpa, data.length), false);
        assertThat(Arrays.copyOfRange(large.data, 8192, 8192 + data.length)).isEqualTo(data);
        BlockRequest bad = new BlockRequest().read(512, one(gpa, 4096));
        device.submit(bad);
        assertThat(bad.status()).isEqualTo(BlockStatus.OUT_OF_RANGE);
    }
}
