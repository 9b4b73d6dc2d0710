package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskLimits;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.BigEndian;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.LbaStatus;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.UnmapParameters;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** UNMAP, WRITE SAME and GET LBA STATUS. */
class ProvisioningTest {

    private static final List<ScsiCommand> WRITE_SAMES =
            List.of(ScsiCommand.WRITE_SAME_10, ScsiCommand.WRITE_SAME_16);
    private static final int BLOCKS = 1024;

    /** An UNMAP list of pairs (LBA, blocks). */
    private static byte[] list(long... pairs) {
        byte[] list = new byte[UnmapParameters.bytes(pairs.length / 2)];
        MemorySegment segment = MemorySegment.ofArray(list);
        UnmapParameters.writeHeader(segment, 0, pairs.length / 2);
        for (int i = 0; i < pairs.length / 2; i++) {
            UnmapParameters.writeDescriptor(segment, 0, i, pairs[2 * i], pairs[2 * i + 1]);
        }
        return list;
    }

    private static TestGuest unmap(TestGuest guest, byte[] list) {
        return guest.command(ScsiCommand.UNMAP, 0, list.length).send(list);
    }

    private static TestGuest written(int block) {
        TestGuest guest = TestGuest.withBlocks(block, BLOCKS);
        guest.disk.bytes.fill((byte) 0x77);
        for (int i = 0; i < BLOCKS; i++) {
            guest.disk.allocate(i);
        }
        return guest;
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldUnmapEveryDescriptorAndNothingElse(int block) {
        TestGuest guest = written(block);
        byte[] list = list(3, 2, 100, 0, BLOCKS - 1, 1, BLOCKS, 0);
        unmap(guest, list).succeeded().moved(list.length);
        for (int i = 0; i < BLOCKS; i++) {
            boolean gone = i == 3 || i == 4 || i == BLOCKS - 1;
            assertThat(guest.disk.isAllocated(i)).as("block %d", i).isEqualTo(!gone);
            assertThat(guest.disk.at((long) i * block)).isEqualTo((byte) (gone ? 0 : 0x77));
        }
    }

    @Test
    void shouldAcceptAnUnmapOfNothing() {
        TestGuest guest = written(512);
        guest.command(ScsiCommand.UNMAP, 0, 0).send().succeeded();
        unmap(guest, list()).succeeded();
        byte[] cut = Arrays.copyOf(list(5, 1), 23);
        BigEndian.u16(MemorySegment.ofArray(cut), 2, 15);
        unmap(guest, cut).succeeded();
        assertThat(guest.disk.isAllocated(5)).isTrue();
    }

    @Test
    void shouldCheckTheWholeUnmapListBeforeItUnmapsAnything() {
        TestGuest guest = written(512);
        unmap(guest, list(0, 1, BLOCKS, 1))
                .failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        unmap(guest, list(0, 1, -1L, 1))
                .failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        unmap(guest, list(0, 1, 2, 0xFFFF_FFFFL))
                .failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        assertThat(guest.disk.isAllocated(0)).isTrue();
    }

    @Test
    void shouldRefuseMalformedUnmapLists() {
        TestGuest guest = written(512);
        guest.command(ScsiCommand.UNMAP, 0, 24)
                .bits(1, Cdb.UNMAP_ANCHOR)
                .send(list(0, 1))
                .invalidField(1, 0);
        unmap(guest, new byte[7])
                .failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.PARAMETER_LIST_LENGTH_ERROR);
        byte[] lies = list(0, 1);
        for (int told : new int[] {17, 24, 32, 0xFFFF}) {
            BigEndian.u16(MemorySegment.ofArray(lies), 2, told);
            unmap(guest, lies)
                    .failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.PARAMETER_LIST_LENGTH_ERROR);
        }
        guest.command(ScsiCommand.UNMAP, 0, 24).send(new byte[20]);
        guest.failed(
                SenseKey.ILLEGAL_REQUEST,
                AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        assertThat(guest.disk.isAllocated(0)).isTrue();
    }

    @Test
    void shouldEnforceTheAnnouncedUnmapLimits() {
        TestGuest guest = written(512);
        guest.disk.limits = new DiskLimits(4096, 8 * 512, true, 1 << 20, true);
        TestGuest limited = new TestGuest(guest.disk);
        unmap(limited, list(0, 4, 10, 4)).succeeded();
        unmap(limited, list(0, 4, 10, 5)).invalidParameter(8 + 16 + 8, -1);
        long[] pairs = new long[2 * BlockGeometry.MAX_UNMAP_DESCRIPTORS];
        unmap(limited, list(pairs)).succeeded();
        unmap(limited, list(Arrays.copyOf(pairs, pairs.length + 2))).invalidParameter(2, -1);
    }

    @Test
    void shouldProtectAReadOnlyDiskFromUnmapAndWriteSame() {
        TestGuest guest = written(512);
        guest.disk.readOnly = true;
        TestGuest reader = new TestGuest(guest.disk);
        unmap(reader, list(0, 1)).failed(SenseKey.DATA_PROTECT, AdditionalSense.WRITE_PROTECTED);
        for (ScsiCommand command : WRITE_SAMES) {
            reader.command(command, 0, 1).send(new byte[512]);
            reader.failed(SenseKey.DATA_PROTECT, AdditionalSense.WRITE_PROTECTED);
        }
    }

    @Test
    void shouldNotKnowUnmapOnADiskThatCannot() {
        TestGuest guest = written(512);
        guest.disk.limits = new DiskLimits(0, 1, false, 1 << 20, true);
        TestGuest full = new TestGuest(guest.disk);
        unmap(full, list(0, 1))
                .failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
        full.command(ScsiCommand.WRITE_SAME_16, 0, 1)
                .bits(1, Cdb.WRITE_SAME_UNMAP)
                .send(new byte[512])
                .invalidField(1, 3);
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldRepeatAPatternOverTheRange(int block) {
        TestGuest guest = TestGuest.withBlocks(block, BLOCKS);
        byte[] pattern = new byte[block];
        pattern[block - 1] = 9;
        for (ScsiCommand command : WRITE_SAMES) {
            for (int blocks : new int[] {1, 2, 16, 17, 129, 700}) {
                guest.disk.bytes.fill((byte) 0);
                guest.command(command, 11, blocks).send(pattern).succeeded().moved(block);
                for (int i = 0; i < BLOCKS; i++) {
                    boolean inside = i >= 11 && i < 11 + blocks;
                    assertThat(guest.disk.at((long) i * block + block - 1))
                            .isEqualTo((byte) (inside ? 9 : 0));
                    assertThat(guest.disk.at((long) i * block)).isZero();
                }
            }
        }
    }

    @Test
    void shouldUnmapZeroesOnlyWhenAllowed() {
        TestGuest guest = written(512);
        guest.command(ScsiCommand.WRITE_SAME_10, 0, 4).send(new byte[512]).succeeded();
        assertThat(guest.disk.lastZeroesMayUnmap).isFalse();
        assertThat(guest.disk.at(2047)).isZero();
        guest.command(ScsiCommand.WRITE_SAME_10, 4, 4)
                .bits(1, Cdb.WRITE_SAME_UNMAP)
                .send(new byte[512])
                .succeeded();
        assertThat(guest.disk.lastZeroesMayUnmap).isTrue();
        guest.command(ScsiCommand.WRITE_SAME_16, 8, 4)
                .bits(1, Cdb.WRITE_SAME_NDOB)
                .send()
                .succeeded()
                .moved(0);
        assertThat(guest.disk.at(12 * 512 - 1)).isZero();
        assertThat(guest.disk.at(12 * 512)).isEqualTo((byte) 0x77);
        byte[] pattern = new byte[512];
        pattern[100] = 1;
        guest.command(ScsiCommand.WRITE_SAME_16, 0, 4)
                .bits(1, Cdb.WRITE_SAME_UNMAP)
                .send(pattern)
                .succeeded();
        assertThat(guest.disk.isAllocated(0)).isTrue();
        assertThat(guest.disk.at(100)).isEqualTo((byte) 1);
    }

    @Test
    void shouldRefuseEveryWrongFieldOfWriteSame() {
        TestGuest guest = written(512);
        for (ScsiCommand command : WRITE_SAMES) {
            byte[] block = new byte[512];
            guest.command(command, 0, 0).send(block).invalidField(command.countAt(), -1);
            guest.command(command, 0, 1)
                    .bits(1, Cdb.WRITE_SAME_ANCHOR)
                    .send(block)
                    .invalidField(1, 4);
            guest.command(command, 0, 1)
                    .bits(1, Cdb.WRITE_SAME_ANCHOR | Cdb.WRITE_SAME_UNMAP)
                    .send(block);
            guest.invalidField(1, 4);
            guest.command(command, 0, 1).bits(1, 0x04).send(block).invalidField(1, 2);
            guest.command(command, 0, 1).bits(1, 0x40).send(block).invalidField(1, 7);
            guest.command(command, BLOCKS, 1).send(block);
            guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
            for (int wrong : new int[] {1, 256, 513, 1024}) {
                guest.command(command, 0, 1).send(new byte[wrong]);
                guest.failed(
                        SenseKey.ILLEGAL_REQUEST,
                        AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
            }
        }
        assertThat(guest.disk.at(0)).isEqualTo((byte) 0x77);
    }

    @Test
    void shouldEnforceTheLongestWriteSame() {
        TestGuest guest = written(512);
        guest.disk.limits = new DiskLimits(4096, 1 << 20, true, 8 * 512, true);
        TestGuest limited = new TestGuest(guest.disk);
        limited.command(ScsiCommand.WRITE_SAME_16, 0, 8).send(new byte[512]).succeeded();
        limited.command(ScsiCommand.WRITE_SAME_16, 0, 9).send(new byte[512]).invalidField(10, -1);
        limited.command(ScsiCommand.WRITE_SAME_10, 0, 9).send(new byte[512]).invalidField(7, -1);
    }

    private static String status(byte[] data) {
        MemorySegment list = MemorySegment.ofArray(data);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < LbaStatus.count(list, 0, data.length); i++) {
            text.append(LbaStatus.lba(list, 0, i)).append('+').append(LbaStatus.blocks(list, 0, i));
            text.append(LbaStatus.status(list, 0, i) == LbaStatus.MAPPED ? 'm' : 'd').append(' ');
        }
        return text.toString().strip();
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldTellWhichBlocksAreMapped(int block) {
        TestGuest guest = TestGuest.withBlocks(block, 16);
        guest.disk.allocate(4);
        guest.disk.allocate(5);
        guest.disk.allocate(9);
        assertThat(status(guest.command(ScsiCommand.GET_LBA_STATUS, 0, 4096).receive(4096)))
                .isEqualTo("0+4d 4+2m 6+3d 9+1m 10+6d");
        guest.succeeded().moved(8 + 5 * 16);
        assertThat(status(guest.command(ScsiCommand.GET_LBA_STATUS, 5, 24).receive(24)))
                .isEqualTo("5+1m");
        assertThat(status(guest.command(ScsiCommand.GET_LBA_STATUS, 15, 40).receive(40)))
                .isEqualTo("15+1d");
        assertThat(guest.command(ScsiCommand.GET_LBA_STATUS, 0, 4).receive(4096))
                .containsExactly(0, 0, 0, 20);
        assertThat(guest.command(ScsiCommand.GET_LBA_STATUS, 0, 0).receive(64)).isEmpty();
        for (long beyond : new long[] {16, 17, 1L << 63, -1L}) {
            guest.command(ScsiCommand.GET_LBA_STATUS, beyond, 24).receive(24);
            guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        }
    }

    @Test
    void shouldRoundExtentsToWholeBlocksSoThatDataIsNeverCalledUnmapped() {
        byte[] room = new byte[4096];
        MemorySegment list = MemorySegment.ofArray(room);
        LbaStatusCollector collector = new LbaStatusCollector();
        collector.begin(list, 100, 0, 12);
        collector.extent(0, 4096 + 512, false);
        collector.extent(4608, 512, true);
        collector.extent(5120, 3 * 4096 - 1024, false);
        assertThat(collector.end()).isEqualTo(3);
        assertThat(status(room)).isEqualTo("0+1d 1+1m 2+2d");
    }
}
