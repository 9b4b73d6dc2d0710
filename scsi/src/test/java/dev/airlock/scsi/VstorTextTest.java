package dev.airlock.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VstorTextTest {

    private final byte[] bytes = new byte[VstorPacket.BYTES];
    private final MemorySegment packet = MemorySegment.ofArray(bytes);

    @Test
    void shouldTellTheCommandOfAnSrb() {
        VstorPacket.clear(
                packet, 0, VstorOperation.EXECUTE_SRB, VstorPacket.FLAG_REQUEST_COMPLETION);
        VstorSrb.target(packet, 0, 1);
        VstorSrb.lun(packet, 0, 2);
        VstorSrb.direction(packet, 0, VstorSrb.DIRECTION_OUT);
        VstorSrb.dataTransferLength(packet, 0, 4096);
        VstorSrb.cdbLength(packet, 0, 10);
        Cdb.encode(packet, VstorSrb.CDB_OFFSET, ScsiCommand.WRITE_10, 16, 8);
        VstorSrb.srbFlags(packet, 0, SrbFlags.DATA_OUT | SrbFlags.NO_QUEUE_FREEZE);
        assertThat(describe(VstorText.UNKNOWN_REQUEST))
                .isEqualTo(
                        "EXECUTE_SRB at=0:1:2 out bytes=4096 WRITE(10) lba=16 blocks=8"
                                + " srbFlags=DATA_OUT|NO_QUEUE_FREEZE");
    }

    @Test
    void shouldTellTheSenseOfAFailedSrb() {
        VstorPacket.clear(
                packet, 0, VstorOperation.COMPLETE_IO, VstorPacket.FLAG_REQUEST_COMPLETION);
        VstorSrb.length(packet, 0, VstorSrb.BYTES);
        VstorSrb.srbStatus(packet, 0, SrbStatus.ERROR | SrbStatus.AUTOSENSE_VALID);
        VstorSrb.scsiStatus(packet, 0, ScsiStatus.CHECK_CONDITION);
        VstorSrb.senseLength(packet, 0, Sense.BYTES);
        Sense.write(
                packet,
                VstorSrb.SENSE_OFFSET,
                SenseKey.DATA_PROTECT,
                AdditionalSense.WRITE_PROTECTED);
        assertThat(describe(VstorOperation.EXECUTE_SRB))
                .isEqualTo(
                        "COMPLETE_IO of EXECUTE_SRB at=0:0:0 srb=ERROR|AUTOSENSE_VALID scsi=CHECK CONDITION bytes=0"
                                + " sense=[DATA PROTECT: WRITE PROTECTED]");
    }

    @Test
    void shouldTellVersionPropertiesAndSubchannels() {
        VstorPacket.clear(packet, 0, VstorOperation.QUERY_PROTOCOL_VERSION, 1);
        VstorPacket.version(packet, 0, VstorVersion.V6_2);
        assertThat(describe(0)).isEqualTo("QUERY_PROTOCOL_VERSION version=6.2");
        VstorPacket.clear(packet, 0, VstorOperation.COMPLETE_IO, 1);
        VstorPacket.status(packet, 0, VstorPacket.STATUS_REVISION_MISMATCH);
        assertThat(describe(VstorOperation.BEGIN_INITIALIZATION))
                .isEqualTo("COMPLETE_IO of BEGIN_INITIALIZATION status=0xc0000059");
        VstorPacket.clear(packet, 0, VstorOperation.COMPLETE_IO, 1);
        VstorChannelProperties.maxTransferBytes(packet, 0, 0xFFFF_FFFFL);
        VstorChannelProperties.maxChannelCount(packet, 0, 3);
        assertThat(describe(VstorOperation.QUERY_PROPERTIES))
                .isEqualTo(
                        "COMPLETE_IO of QUERY_PROPERTIES maxTransferBytes=4294967295 maxChannelCount=3 properties=0x0");
        VstorPacket.clear(packet, 0, VstorOperation.CREATE_SUB_CHANNELS, 1);
        VstorPacket.subchannelCount(packet, 0, 3);
        assertThat(describe(0)).isEqualTo("CREATE_SUB_CHANNELS count=3");
    }

    @Test
    void shouldDescribeAnyBytesInOneLine() {
        long seed = Long.getLong("airlock.seed", 20260103L);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 100_000; i++) {
            random.nextBytes(bytes);
            if (random.nextInt(8) != 0) {
                VstorPacket.operation(packet, 0, random.nextInt(0, 15));
            }
            int length = random.nextInt(8) == 0 ? random.nextInt(bytes.length) : bytes.length;
            String text = VstorText.describe(packet, 0, length, random.nextInt(0, 15));
            assertThat(text)
                    .as("-Dairlock.seed=%d round=%d", seed, i)
                    .isNotBlank()
                    .doesNotContain("\n");
            int operation = VstorPacket.operation(packet, 0);
            assertThat(VstorText.isDecodable(packet, 0, length))
                    .isEqualTo(length == VstorPacket.BYTES && operation >= 1 && operation <= 13);
        }
    }

    private String describe(int requestOperation) {
        return VstorText.describe(packet, 0, bytes.length, requestOperation);
    }
}
