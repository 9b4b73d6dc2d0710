package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.dma.SwiotlbMode;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsi.VstorVersion;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Given the commands, scatterlists and tags of a recording, the driver writes the recorded packets,
 * but for the addresses; and it takes the recorded answers.
 */
class TraceReplayTest {
    private static final String NORMAL = "linux-6.1-storvsc-normal.txt";
    private static final String ISOLATED = "linux-6.1-storvsc-isolated.txt";
    private static final String VTOM = "linux-6.1-storvsc-isolated-vtom.txt";
    private static final int INITIALISATION_PACKETS = 4;

    @ParameterizedTest
    @ValueSource(strings = {NORMAL, ISOLATED, VTOM})
    void shouldWriteTheRecordedPacketsButForAddresses(String name) {
        replay(name, !name.equals(NORMAL), false);
    }

    @Test
    void shouldWriteTheRecordedAddressesTooWhereMappingIsByIdentity() {
        replay(NORMAL, false, true);
    }

    private static void replay(String name, boolean isolated, boolean sameAddresses) {
        List<TraceFile.Packet> packets = TraceFile.read(name);
        List<TraceFile.Packet> guest =
                packets.stream().filter(TraceFile.Packet::isFromGuest).toList();
        Player player =
                new Player(packets.stream().filter(packet -> !packet.isFromGuest()).toList());
        Rig.Setup setup = Rig.with(player).isolated(isolated).poolBytes(2 * Rig.MIB);
        setup.sharedBytes = 1L << 30;
        setup.mode = isolated ? SwiotlbMode.FORCE : SwiotlbMode.AUTO;
        setup.options.callerTags(true).queueDepth(4096);
        try (Rig rig = setup.open()) {
            FakeHost fake = rig.host();
            assertThat(fake.received).hasSize(INITIALISATION_PACKETS);
            for (int i = 0; i < INITIALISATION_PACKETS; i++) {
                assertThat(fake.received.get(i).packet)
                        .as("packet %d", i)
                        .isEqualTo(guest.get(i).bytes());
            }
            assertThat(rig.adapter.protocolVersion()).isEqualTo(VstorVersion.V6_2);
            // The recorded host allowed 2 MiB; isolated, a bounce segment less a page.
            assertThat(rig.adapter.maxTransferBytes()).isEqualTo(isolated ? 258_048 : 2 * Rig.MIB);
            ScsiRequest request = new ScsiRequest(300);
            for (int i = INITIALISATION_PACKETS; i < guest.size(); i++) {
                HostCommand recorded = new HostCommand(guest.get(i).bytes(), rig.memory);
                recreate(request, recorded, rig, sameAddresses || !isolated);
                assertThat(rig.adapter.submit(request)).isEqualTo(SubmitResult.ACCEPTED);
                rig.settle();
                assertThat(request.outcome()).isEqualTo(Outcome.ANSWERED);
                assertThat(request.srbStatus()).isEqualTo(1);
                HostCommand written = fake.received.get(i);
                assertThat(written.isVisible()).isTrue();
                byte[] expected = guest.get(i).bytes();
                if (!sameAddresses) {
                    blankAddresses(expected, recorded.pages());
                    blankAddresses(written.packet, recorded.pages());
                }
                assertThat(written.packet).as("packet %d", i).isEqualTo(expected);
            }
            assertThat(player.isAtEnd()).isTrue();
            assertThat(rig.slotsInUse()).isZero();
            assertThat(rig.adapter.statistics().inFlight()).isZero();
        }
    }

    /** Answers each packet with the next recorded answer. */
    private static final class Player implements FakeHost.Script {
        private final List<TraceFile.Packet> host;
        private int next;

        Player(List<TraceFile.Packet> host) {
            this.host = host;
        }

        boolean isAtEnd() {
            return next == host.size();
        }

        @Override
        public void handle(FakeHost fake, HostCommand command) {
            fake.sendPacket(host.get(next++).bytes());
        }

        @Override
        public boolean initialises() {
            return true;
        }
    }

    /** The command of a recorded packet, with its data where the recording had it, or elsewhere. */
    private static void recreate(
            ScsiRequest request, HostCommand recorded, Rig rig, boolean inPlace) {
        MemorySegment vstor = recorded.vstor();
        DataDirection direction =
                Arrays.stream(DataDirection.values())
                        .filter(d -> d.vstorCode() == VstorSrb.direction(vstor, 0))
                        .findFirst()
                        .orElseThrow();
        request.prepare(
                VstorSrb.path(vstor, 0),
                VstorSrb.target(vstor, 0),
                VstorSrb.lun(vstor, 0),
                direction);
        int cdbLength = VstorSrb.cdbLength(vstor, 0);
        MemorySegment.copy(vstor, VstorSrb.CDB_OFFSET, request.cdb(), 0, cdbLength);
        request.cdbLength(cdbLength);
        request.tagged(VstorSrb.queueTag(vstor, 0) == VstorSrb.QUEUE_TAG_UNTAGGED);
        request.tag((int) recorded.id - 1);
        int offset = (int) GpaDirectPacket.byteOffset(MemorySegment.ofArray(recorded.packet), 0);
        int left = recorded.dataBytes();
        long elsewhere = 0;
        if (left > 0 && !inPlace) {
            elsewhere = rig.allocate(left, offset);
        }
        for (int page = 0; page < recorded.pages(); page++) {
            int inPage = page == 0 ? offset : 0;
            int bytes = Math.min(left, HvPage.SIZE - inPage);
            long gpa = inPlace ? (recorded.pfn(page) << HvPage.SHIFT) + inPage : elsewhere;
            assertThat(request.addData(gpa, bytes)).isTrue();
            elsewhere += bytes;
            left -= bytes;
        }
        if (recorded.dataBytes() > 0 && !inPlace) {
            long first = elsewhere - recorded.dataBytes() - offset;
            rig.memory.privatePages().free(first, (long) recorded.dataBytes() + offset);
        }
    }

    private static void blankAddresses(byte[] packet, int pages) {
        MemorySegment segment = MemorySegment.ofArray(packet);
        for (int page = 0; page < pages; page++) {
            GpaDirectPacket.putPfn(segment, 0, page, 0);
        }
        assertThat(PacketDescriptor.packetBytes(segment, 0)).isEqualTo(packet.length);
        assertThat(segment.get(ValueLayout.JAVA_BYTE, 0)).isNotZero();
    }
}
