package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.memory.GuestMemory;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorVersion;
import dev.airlock.vmbus.guest.GuestChannel;
import java.io.IOException;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The initialisation against hosts of several minds. */
class HandshakeTest {
    private static final int MIB = 1 << 20;

    private GuestMemory memory;
    private DmaMapper mapper;
    private LoopbackDevice device;

    @BeforeEach
    void prepare() throws IOException {
        memory = GuestMemory.isolated(4 * MIB, 8 * MIB);
        mapper =
                DmaMapper.forGuest(
                        memory,
                        SwiotlbOptions.DEFAULTS.withPoolBytes(MIB).withAreas(1),
                        DmaLimits.STORVSC);
        device = new LoopbackDevice(memory, false, (host, command) -> {});
    }

    @AfterEach
    void cleanUp() {
        device.close();
        mapper.close();
        memory.close();
    }

    private StorvscAdapter open(StorvscOptions options, Consumer<FakeHost> prepared)
            throws IOException {
        DeviceChannels channels =
                new DeviceChannels() {
                    @Override
                    public GuestChannel open(int index, long gpa, int out, int in)
                            throws IOException {
                        GuestChannel channel = device.open(index, gpa, out, in);
                        prepared.accept(device.hosts().getLast());
                        return channel;
                    }

                    @Override
                    public int awaitSubchannels(int count, long timeoutMs) {
                        return device.awaitSubchannels(count, timeoutMs);
                    }
                };
        options.singleThreaded(() -> device.hosts().forEach(FakeHost::pump));
        return StorvscAdapter.open(channels, mapper, memory.bytes(), options.drainTimeoutMs(0));
    }

    @Test
    void shouldStepDownToTheVersionThatTheHostSpeaks() throws IOException {
        try (StorvscAdapter adapter =
                open(new StorvscOptions(), host -> host.newestVersion = VstorVersion.V5_1)) {
            assertThat(adapter.protocolVersion()).isEqualTo(VstorVersion.V5_1);
        }
        assertThat(device.host(0).received)
                .extracting(command -> command.operation)
                .containsExactly(
                        VstorOperation.BEGIN_INITIALIZATION,
                        VstorOperation.QUERY_PROTOCOL_VERSION,
                        VstorOperation.QUERY_PROTOCOL_VERSION,
                        VstorOperation.QUERY_PROTOCOL_VERSION,
                        VstorOperation.QUERY_PROPERTIES,
                        VstorOperation.END_INITIALIZATION);
        assertThat(device.host(0).received.subList(1, 4))
                .extracting(command -> VstorPacket.version(command.vstor(), 0))
                .containsExactly(VstorVersion.V6_2, VstorVersion.V6_0, VstorVersion.V5_1);
    }

    @Test
    void shouldFailAndLeaveNothingWhenTheHostSpeaksNoVersion() {
        int usedBefore = memory.visiblePages().usedPages();
        assertThatThrownBy(() -> open(new StorvscOptions(), host -> host.newestVersion = 0x0402))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("6.2, 6.0, 5.1");
        assertThat(memory.visiblePages().usedPages()).isEqualTo(usedBefore);
    }

    @Test
    void shouldFailWhenTheHostDoesNotAnswerInTime() {
        device =
                new LoopbackDevice(
                        memory,
                        false,
                        new FakeHost.Script() {
                            @Override
                            public void handle(FakeHost host, HostCommand command) {}

                            @Override
                            public boolean initialises() {
                                return true;
                            }
                        });
        assertThatThrownBy(() -> open(new StorvscOptions().handshakeTimeoutMs(20), host -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("does not answer");
    }

    @Test
    void shouldFailWhenTheHostAllowsNoTransfer() {
        assertThatThrownBy(() -> open(new StorvscOptions(), host -> host.maxTransfer = 512))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("maxTransferBytes=512");
    }

    @Test
    void shouldTakeTheSmallerLimitOfHostAndMapping() throws IOException {
        try (StorvscAdapter adapter =
                open(new StorvscOptions(), host -> host.maxTransfer = 0xFFFF_FFFFL)) {
            assertThat(adapter.maxTransferBytes()).isEqualTo(258_048);
        }
        try (StorvscAdapter adapter =
                open(new StorvscOptions(), host -> host.maxTransfer = 70_000)) {
            assertThat(adapter.maxTransferBytes()).isEqualTo(69_632);
        }
    }

    @Test
    void shouldAskForSubchannelsAsLinuxDoesAndUseThem() throws IOException {
        device.subchannels = 8;
        try (StorvscAdapter adapter =
                open(new StorvscOptions().cpus(9), host -> host.maxSubchannels = 7)) {
            assertThat(adapter.channels()).hasSize(3);
            HostCommand asked = device.host(0).received.getLast();
            assertThat(asked.operation).isEqualTo(VstorOperation.CREATE_SUB_CHANNELS);
            assertThat(VstorPacket.subchannelCount(asked.vstor(), 0)).isEqualTo(2);
        }
    }

    @Test
    void shouldAskForNoSubchannelsWhenTheHostHasNone() throws IOException {
        device.subchannels = 8;
        try (StorvscAdapter adapter = open(new StorvscOptions().cpus(9), host -> {})) {
            assertThat(adapter.channels()).hasSize(1);
            assertThat(device.host(0).received.getLast().operation)
                    .isEqualTo(VstorOperation.END_INITIALIZATION);
        }
    }

    @Test
    void shouldRefuseOptionsOutOfRangeBeforeAnythingStarts() {
        assertThatThrownBy(() -> open(new StorvscOptions().queueDepth(0), host -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("queueDepth=0");
        assertThatThrownBy(() -> open(new StorvscOptions().ringBytes(10_000), host -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ringBytes=10000");
        assertThat(device.hosts()).isEmpty();
    }
}
