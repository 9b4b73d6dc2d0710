package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.Disk;
import dev.airlock.disk.MemoryDisk;
import dev.airlock.memory.GuestMemory;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A guest that sends broken packets, changes them while the host reads them, and writes into the
 * control words of its rings, beside one that does real I/O and must not notice.
 */
@Timeout(60)
class HostileGuestTest {
    /** Packets sent; more by {@code -Dairlock.hostileEvents=N}. */
    private static final int EVENTS = Integer.getInteger("airlock.hostileEvents", 20_000);

    private static final int[] COMMANDS = {
        0x00, 0x03, 0x08, 0x0A, 0x12, 0x15, 0x1A, 0x1B, 0x25, 0x28, 0x2A, 0x2F, 0x35, 0x41, 0x42,
        0x55, 0x5A, 0x88, 0x8A, 0x8F, 0x91, 0x93, 0x9E, 0xA0, 0xA3, 0xA8, 0xAA
    };

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final int PAGE = 4096;

    private final Random random = Seed.random();

    @Test
    void shouldServeOthersAndItselfWhateverAGuestSends() throws Exception {
        try (Disk target = new MemoryDisk(1 << 20, 512, false);
                Disk slow = new GatedDisk(1 << 20, true);
                Disk frozen = new MemoryDisk(1 << 20, 512, true);
                Disk neighbours = new MemoryDisk(1 << 20, 512, false)) {
            TestUnits hostileUnits = new TestUnits(target, slow, frozen);
            TestUnits neighbourUnits = new TestUnits(neighbours, frozen);
            StorvspOptions options = StorvspOptions.defaults().withQueueDepth(32);
            GuestMemory memory = GuestMemory.isolated(1 << 20, 4 << 20);
            try (LoopbackGuest hostile =
                            new LoopbackGuest(hostileUnits.device("hostile", options), memory);
                    LoopbackGuest neighbour =
                            new LoopbackGuest(neighbourUnits.device("neighbour", options))) {
                AtomicBoolean done = new AtomicBoolean();
                Throwable[] failure = new Throwable[1];
                Thread real =
                        Thread.ofPlatform()
                                .start(() -> {
                                    try {
                                        workUntil(done, neighbour);
                                    } catch (Throwable t) {
                                        failure[0] = t;
                                    }
                                });
                attack(hostile);
                ScriptedGuest reformed = hostile.reopen();
                reformed.negotiate();
                reformed.sendTransfer(1, 0, false, 0, hostile.allocate(PAGE), PAGE);
                assertThat(reformed.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
                done.set(true);
                real.join();

                assertThat(failure[0]).isNull();
                assertThat(hostileUnits.log).noneMatch(line -> line.contains("bug"));
                assertThat(neighbourUnits.log).isEmpty();
                GuestStatistics statistics = hostile.device().statistics();
                assertThat(statistics.invalidPackets()).isPositive();
                assertThat(statistics.invisiblePages()).isPositive();
                assertThat(statistics.brokenRings()).isPositive();
                assertThat(statistics.io().commands()).isPositive();
            }
        }
    }

    private void attack(LoopbackGuest hostile) throws IOException {
        ScriptedGuest channel = hostile.open();
        channel.negotiate();
        long broken = 0;
        for (int event = 0; event < EVENTS; event++) {
            makePacket(channel, hostile);
            boolean sent = sendMutated(channel, hostile.rings(0));
            while (channel.channel().in().read(MemorySegment.ofArray(new long[8192]), 0, 1 << 16)
                    > 0) {
                channel.channel().in().consumed();
            }
            channel.channel().signalHost();
            boolean controlWords = random.nextInt(500) == 0;
            if (controlWords) {
                corruptControlWord(hostile.rings(0));
                channel.channel().signalHost();
            }
            long now = hostile.device().statistics().brokenRings();
            if (now > broken || controlWords || channel.channel().in().isFailed() || !sent) {
                channel = hostile.reopen();
                channel.negotiate();
                broken = now;
            }
        }
    }

    /** A packet that a driver could send, more or less. */
    private void makePacket(ScriptedGuest channel, LoopbackGuest hostile) {
        long id = random.nextLong();
        int kind = random.nextInt(20);
        if (kind == 0) {
            channel.inBand(id);
            MemorySegment vstor = channel.packet().asSlice(PacketDescriptor.BYTES);
            vstor.set(U32, 0, random.nextInt(16));
            return;
        }
        if (kind == 1) {
            MemorySegment vstor = channel.inBand(id);
            vstor.set(U32, 0, VstorOperation.RESET_LUN + random.nextInt(3));
            VstorSrb.lun(vstor, 0, random.nextInt(4));
            return;
        }
        int bytes = random.nextInt(32) * 512;
        long span =
                (hostile.memory().privatePageCount() + hostile.memory().visiblePageCount()) * PAGE;
        long gpa = random.nextLong(span - bytes);
        MemorySegment vstor = bytes == 0 ? channel.inBand(id) : channel.gpaDirect(id, gpa, bytes);
        int[] cdb = new int[16];
        for (int i = 1; i < cdb.length; i++) {
            cdb[i] = random.nextInt(4) == 0 ? random.nextInt(256) : 0;
        }
        cdb[0] = COMMANDS[random.nextInt(COMMANDS.length)];
        int direction = bytes == 0 ? VstorSrb.DIRECTION_NONE : random.nextInt(2);
        ScriptedGuest.srb(vstor, random.nextInt(4), direction, bytes, cdb);
    }

    /** Writes the packet, changes bytes of it in the ring, publishes, and changes some more. */
    private boolean sendMutated(ScriptedGuest channel, MemorySegment rings) {
        RingWriter out = channel.channel().out();
        int ringBytes = (int) LoopbackGuest.RING_BYTES - PAGE;
        int start = rings.get(U32, 0);
        int bytes = PacketDescriptor.packetBytes(channel.packet(), 0);
        if (start < 0 || start >= ringBytes || !out.write(channel.packet(), 0, bytes)) {
            return !out.isFailed();
        }
        if (random.nextInt(3) != 0) {
            mutate(rings, start, bytes, ringBytes, 1 + random.nextInt(4));
        }
        out.publish();
        channel.channel().signalHost();
        if (random.nextInt(8) == 0) {
            mutate(rings, start, bytes, ringBytes, 8);
        }
        return true;
    }

    private void mutate(MemorySegment rings, int start, int bytes, int ringBytes, int changes) {
        for (int i = 0; i < changes; i++) {
            // The header is where it hurts most, and breaks the ring: not too often.
            int at = random.nextInt(40) == 0 ? random.nextInt(16) : 16 + random.nextInt(bytes - 16);
            long address = PAGE + (start + at) % ringBytes;
            rings.set(ValueLayout.JAVA_BYTE, address, (byte) random.nextInt(256));
        }
    }

    private void corruptControlWord(MemorySegment rings) {
        long ring = random.nextBoolean() ? 0 : LoopbackGuest.RING_BYTES;
        int word = random.nextInt(20) * Integer.BYTES;
        int value = random.nextBoolean() ? random.nextInt() : random.nextInt(1 << 16) & ~7;
        rings.set(U32, ring + word, value);
    }

    private static void workUntil(AtomicBoolean done, LoopbackGuest neighbour) throws IOException {
        ScriptedGuest channel = neighbour.open();
        channel.negotiate();
        long gpa = neighbour.allocate(4 * PAGE);
        for (int round = 0; !done.get(); round++) {
            int lba = round % 200 * 8;
            long base = (long) round << 16;
            ScriptedGuest.fillPattern(neighbour.memory(), gpa + 512, PAGE, base);
            transfer(channel, 0, true, lba, gpa + 512);
            transfer(channel, 0, false, lba, gpa + 2 * PAGE);
            assertThat(ScriptedGuest.mismatch(neighbour.memory(), gpa + 2 * PAGE, PAGE, base))
                    .isEqualTo(-1);
            transfer(channel, 1, false, lba, gpa + 2 * PAGE);
            assertThat(isZero(neighbour.memory(), gpa + 2 * PAGE)).isTrue();
        }
    }

    private static void transfer(ScriptedGuest channel, int lun, boolean write, int lba, long gpa) {
        channel.sendTransfer(lba, lun, write, lba, gpa, PAGE);
        ScriptedGuest.Answer answer = channel.receive();
        assertThat(answer.id()).isEqualTo(lba);
        assertThat(answer.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
    }

    private static boolean isZero(GuestMemory memory, long gpa) {
        for (int i = 0; i < PAGE; i += 8) {
            if (memory.bytes().get(ValueLayout.JAVA_LONG_UNALIGNED, gpa + i) != 0) {
                return false;
            }
        }
        return true;
    }
}
