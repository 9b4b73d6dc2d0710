package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.VstorChannelProperties;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorVersion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NegotiationTest {
    private static final int SUBCHANNELS = 3;
    private static final int TRANSFER = 1 << 20;

    private final MemorySegment packet = Arena.ofAuto().allocate(VstorPacket.BYTES);
    private final Negotiation negotiation = new Negotiation(SUBCHANNELS, TRANSFER);
    private int created;

    @ParameterizedTest
    @ValueSource(ints = {VstorVersion.V5_1, VstorVersion.V6_0, VstorVersion.V6_2})
    void shouldBecomeReadyWithEachVersion(int version) {
        assertThat(begin()).isZero();
        assertThat(version(version)).isZero();
        assertThat(properties()).isZero();
        assertThat(negotiation.isReady()).isFalse();
        assertThat(end()).isZero();

        assertThat(negotiation.isReady()).isTrue();
        assertThat(negotiation.version()).isEqualTo(version);
    }

    @Test
    void shouldLetAGuestStepDownToAVersionThatIsSpoken() {
        begin();

        assertThat(version(0x0700)).isEqualTo(VstorPacket.STATUS_REVISION_MISMATCH);
        assertThat(version(0x0402)).isEqualTo(VstorPacket.STATUS_REVISION_MISMATCH);
        assertThat(version(VstorVersion.V6_0)).isZero();
        assertThat(version(VstorVersion.V6_2)).isEqualTo(VstorPacket.STATUS_INVALID_DEVICE_STATE);
    }

    @Test
    void shouldAdvertiseTheLargestTransferAndSubchannels() {
        begin();
        version(VstorVersion.V6_2);
        packet.fill((byte) 0xFF);
        properties();

        assertThat(VstorChannelProperties.maxTransferBytes(packet, 0)).isEqualTo(TRANSFER);
        assertThat(VstorChannelProperties.maxChannelCount(packet, 0)).isEqualTo(SUBCHANNELS);
        assertThat(VstorChannelProperties.flags(packet, 0))
                .isEqualTo(VstorChannelProperties.FLAG_SUPPORTS_MULTI_CHANNEL);
    }

    @Test
    void shouldNotAdvertiseSubchannelsThatItDoesNotOffer() {
        Negotiation single = new Negotiation(0, TRANSFER);
        single.handle(VstorOperation.BEGIN_INITIALIZATION, packet, 0, count -> true);
        VstorPacket.version(packet, 0, VstorVersion.V6_2);
        single.handle(VstorOperation.QUERY_PROTOCOL_VERSION, packet, 0, count -> true);
        single.handle(VstorOperation.QUERY_PROPERTIES, packet, 0, count -> true);

        assertThat(VstorChannelProperties.maxChannelCount(packet, 0)).isZero();
        assertThat(VstorChannelProperties.flags(packet, 0)).isZero();
    }

    @Test
    void shouldRefuseEveryOperationOutOfItsOrder() {
        int refused = VstorPacket.STATUS_INVALID_DEVICE_STATE;
        assertThat(version(VstorVersion.V6_2)).isEqualTo(refused);
        assertThat(properties()).isEqualTo(refused);
        assertThat(end()).isEqualTo(refused);
        assertThat(subchannels(1)).isEqualTo(refused);
        begin();
        assertThat(begin()).isEqualTo(refused);
        assertThat(properties()).isEqualTo(refused);
        version(VstorVersion.V6_2);
        assertThat(end()).isEqualTo(refused);
        assertThat(subchannels(1)).isEqualTo(refused);
        properties();
        end();
        assertThat(begin()).isEqualTo(refused);
        assertThat(end()).isEqualTo(refused);

        assertThat(negotiation.isReady()).isTrue();
        assertThat(created).isZero();
    }

    @Test
    void shouldCreateSubchannelsBeforeAndAfterTheEndOfInitialisation() {
        begin();
        version(VstorVersion.V6_2);
        properties();
        assertThat(subchannels(2)).isZero();
        assertThat(created).isEqualTo(2);
        end();
        assertThat(subchannels(3)).isZero();
        assertThat(created).isEqualTo(3);
    }

    @Test
    void shouldRefuseNumbersOfSubchannelsThatItDidNotAdvertise() {
        begin();
        version(VstorVersion.V6_2);
        properties();

        assertThat(subchannels(0)).isEqualTo(VstorPacket.STATUS_INVALID_PARAMETER);
        assertThat(subchannels(SUBCHANNELS + 1)).isEqualTo(VstorPacket.STATUS_INVALID_PARAMETER);
        assertThat(subchannels(0xFFFF)).isEqualTo(VstorPacket.STATUS_INVALID_PARAMETER);
        assertThat(created).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0,
                VstorOperation.COMPLETE_IO,
                VstorOperation.REMOVE_DEVICE,
                VstorOperation.ENUMERATE_BUS,
                VstorOperation.FCHBA_DATA,
                14,
                -1
            })
    void shouldAnswerUnknownOperationsWithAnError(int operation) {
        assertThat(handle(operation)).isEqualTo(VstorPacket.STATUS_INVALID_DEVICE_REQUEST);
    }

    @Test
    void shouldBeginAgainAfterTheChannelWasClosed() {
        begin();
        version(VstorVersion.V6_2);
        properties();
        end();
        negotiation.restart();

        assertThat(negotiation.isReady()).isFalse();
        assertThat(negotiation.version()).isZero();
        assertThat(begin()).isZero();
    }

    private int begin() {
        return handle(VstorOperation.BEGIN_INITIALIZATION);
    }

    private int version(int version) {
        VstorPacket.version(packet, 0, version);
        return handle(VstorOperation.QUERY_PROTOCOL_VERSION);
    }

    private int properties() {
        return handle(VstorOperation.QUERY_PROPERTIES);
    }

    private int end() {
        return handle(VstorOperation.END_INITIALIZATION);
    }

    private int subchannels(int count) {
        VstorPacket.subchannelCount(packet, 0, count);
        return handle(VstorOperation.CREATE_SUB_CHANNELS);
    }

    private int handle(int operation) {
        return negotiation.handle(
                operation,
                packet,
                0,
                count -> {
                    created = count;
                    return true;
                });
    }
}
