package dev.airlock.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SenseTest {

    private final MemorySegment sense = MemorySegment.ofArray(new byte[VstorSrb.SENSE_BYTES]);

    @Test
    void shouldWriteFixedFormatAsTheStandardDrawsIt() {
        Sense.write(sense, 0, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_FIELD_IN_CDB);
        Sense.fieldPointer(sense, 0, true, 1, 7);
        assertThat(HexFormat.of().formatHex((byte[]) sense.heapBase().orElseThrow()))
                .isEqualTo("700005000000000a" + "00000000240000cf" + "00010000");
    }

    @Test
    void shouldTellKeyCodeInformationAndPointerInBothFormats() {
        Sense.write(
                sense,
                0,
                SenseKey.ILLEGAL_REQUEST,
                AdditionalSense.INVALID_FIELD_IN_PARAMETER_LIST);
        Sense.fieldPointer(sense, 0, false, 260, -1);
        Sense.information(sense, 0, 0xFFFF_FFFEL);
        MemorySegment descriptor =
                MemorySegment.ofArray(new byte[Sense.DESCRIPTOR_FORMAT_MAX_BYTES]);
        int length = Sense.toDescriptorFormat(sense, 0, descriptor, 0);
        assertThat(length).isEqualTo(Sense.DESCRIPTOR_FORMAT_MAX_BYTES);
        String text =
                "ILLEGAL REQUEST: INVALID FIELD IN PARAMETER LIST, parameter byte 260, information 4294967294";
        assertThat(Sense.describe(sense, 0, Sense.BYTES)).isEqualTo(text);
        assertThat(Sense.describe(descriptor, 0, length)).isEqualTo(text);
        assertThat(Sense.key(descriptor, 0)).isEqualTo(Sense.key(sense, 0));
        assertThat(Sense.additionalSense(descriptor, 0)).isEqualTo(Sense.additionalSense(sense, 0));
        assertThat(Sense.information(descriptor, 0, length)).isEqualTo(0xFFFF_FFFEL);
    }

    @Test
    void shouldLeaveOutInformationThatDoesNotFitFixedFormat() {
        Sense.write(sense, 0, SenseKey.MEDIUM_ERROR, AdditionalSense.UNRECOVERED_READ_ERROR);
        Sense.information(sense, 0, 1L << 32);
        assertThat(Sense.information(sense, 0, Sense.BYTES)).isEqualTo(-1);
    }

    @Test
    void shouldNotTrustLengthsInsideSenseDataOfAPeer() {
        long seed = Long.getLong("airlock.seed", 20260101L);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 200_000; i++) {
            byte[] bytes = new byte[random.nextInt(0, 29)];
            random.nextBytes(bytes);
            if (bytes.length > 0 && random.nextInt(4) != 0) {
                bytes[0] = (byte) random.nextInt(0x70, 0x74);
            }
            String text = Sense.describe(MemorySegment.ofArray(bytes), 0, bytes.length);
            assertThat(text)
                    .as("-Dairlock.seed=%d sense=%s", seed, Arrays.toString(bytes))
                    .isNotBlank()
                    .doesNotContain("\n");
        }
    }
}
