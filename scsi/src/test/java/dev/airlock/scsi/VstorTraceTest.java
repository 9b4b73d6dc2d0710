package dev.airlock.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * Referee (a): what the real driver and its host wrote decodes, and encodes to the same bytes
 * again.
 */
class VstorTraceTest {

    @Test
    void shouldReencodeEveryRecordedPacketToTheSameBytes() {
        int srbs = 0;
        Map<Long, Integer> requests = new HashMap<>();
        for (Traces.Event event : Traces.events()) {
            MemorySegment recorded = event.segment();
            assertThat(event.payload()).as(event.place()).hasSize(VstorPacket.BYTES);
            int operation = VstorPacket.operation(recorded, 0);
            int body = operation;
            if (event.fromGuest()) {
                requests.put(event.transactionId(), operation);
            } else {
                body = requests.getOrDefault(event.transactionId(), operation);
            }
            MemorySegment encoded = MemorySegment.ofArray(new byte[VstorPacket.BYTES]);
            VstorPacket.clear(encoded, 0, operation, VstorPacket.flags(recorded, 0));
            VstorPacket.status(encoded, 0, VstorPacket.status(recorded, 0));
            switch (body) {
                case VstorOperation.EXECUTE_SRB -> {
                    reencodeSrb(recorded, encoded);
                    srbs++;
                }
                case VstorOperation.QUERY_PROTOCOL_VERSION -> {
                    assertThat(VstorPacket.version(recorded, 0)).isEqualTo(VstorVersion.V6_2);
                    VstorPacket.version(encoded, 0, VstorPacket.version(recorded, 0));
                    VstorPacket.revision(encoded, 0, VstorPacket.revision(recorded, 0));
                }
                case VstorOperation.QUERY_PROPERTIES -> {
                    VstorChannelProperties.maxChannelCount(
                            encoded, 0, VstorChannelProperties.maxChannelCount(recorded, 0));
                    VstorChannelProperties.flags(
                            encoded, 0, VstorChannelProperties.flags(recorded, 0));
                    VstorChannelProperties.maxTransferBytes(
                            encoded, 0, VstorChannelProperties.maxTransferBytes(recorded, 0));
                }
                default ->
                        assertThat(body)
                                .as(event.place())
                                .isIn(
                                        VstorOperation.BEGIN_INITIALIZATION,
                                        VstorOperation.END_INITIALIZATION);
            }
            assertThat(encoded.toArray(ValueLayout.JAVA_BYTE))
                    .as(event.place())
                    .isEqualTo(event.payload());
        }
        assertThat(srbs).isPositive();
    }

    private static void reencodeSrb(MemorySegment from, MemorySegment to) {
        VstorSrb.length(to, 0, VstorSrb.BYTES);
        VstorSrb.srbStatus(to, 0, VstorSrb.srbStatus(from, 0));
        VstorSrb.scsiStatus(to, 0, VstorSrb.scsiStatus(from, 0));
        VstorSrb.port(to, 0, VstorSrb.port(from, 0));
        VstorSrb.path(to, 0, VstorSrb.path(from, 0));
        VstorSrb.target(to, 0, VstorSrb.target(from, 0));
        VstorSrb.lun(to, 0, VstorSrb.lun(from, 0));
        VstorSrb.cdbLength(to, 0, VstorSrb.cdbLength(from, 0));
        VstorSrb.senseLength(to, 0, VstorSrb.senseLength(from, 0));
        VstorSrb.direction(to, 0, VstorSrb.direction(from, 0));
        VstorSrb.dataTransferLength(to, 0, VstorSrb.dataTransferLength(from, 0));
        reencodeCdb(from, to);
        VstorSrb.queueTag(to, 0, VstorSrb.queueTag(from, 0));
        VstorSrb.queueAction(to, 0, VstorSrb.queueAction(from, 0));
        VstorSrb.srbFlags(to, 0, VstorSrb.srbFlags(from, 0));
        VstorSrb.timeoutSeconds(to, 0, VstorSrb.timeoutSeconds(from, 0));
        VstorSrb.sortKey(to, 0, VstorSrb.sortKey(from, 0));
    }

    private static void reencodeCdb(MemorySegment from, MemorySegment to) {
        int at = VstorSrb.CDB_OFFSET;
        ScsiCommand command = Objects.requireNonNull(ScsiCommand.of(from, at));
        assertThat(VstorSrb.cdbLength(from, 0)).isEqualTo(command.cdbBytes());
        switch (command) {
            case INQUIRY -> {
                if ((Cdb.flags(from, at) & 1) != 0) {
                    Cdb.encodeInquiryVpd(
                            to, at, BigEndian.u8(from, at + 2), (int) command.count(from, at));
                } else {
                    Cdb.encodeInquiry(to, at, (int) command.count(from, at));
                }
            }
            case MODE_SENSE_6, MODE_SENSE_10 ->
                    Cdb.encodeModeSense(
                            to,
                            at,
                            command,
                            BigEndian.u8(from, at + 2),
                            (Cdb.flags(from, at) & 0x08) != 0,
                            (int) command.count(from, at));
            default -> {
                Cdb.encode(to, at, command, command.lba(from, at), command.count(from, at));
                Cdb.addFlags(to, at, Cdb.flags(from, at));
            }
        }
    }

    @Test
    void shouldDescribeEveryRecordedPacketInOneLine() {
        Map<Long, Integer> requests = new HashMap<>();
        for (Traces.Event event : Traces.events()) {
            MemorySegment packet = event.segment();
            int operation = VstorPacket.operation(packet, 0);
            assertThat(VstorText.isDecodable(packet, 0, event.payload().length)).isTrue();
            if (event.fromGuest()) {
                requests.put(event.transactionId(), operation);
            }
            String line =
                    VstorText.describe(
                            packet,
                            0,
                            event.payload().length,
                            requests.getOrDefault(
                                    event.transactionId(), VstorText.UNKNOWN_REQUEST));
            assertThat(line).doesNotContain("\n").doesNotContain("unknown").doesNotContain("CDB ");
            Integer request = requests.get(event.transactionId());
            if (request != null && request == VstorOperation.EXECUTE_SRB && !event.fromGuest()) {
                assertThat(line)
                        .startsWith("COMPLETE_IO of EXECUTE_SRB at=")
                        .contains("srb=SUCCESS scsi=GOOD");
            }
        }
    }
}
