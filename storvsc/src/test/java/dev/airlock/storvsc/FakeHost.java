package dev.airlock.storvsc;

import dev.airlock.memory.GuestMemory;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorChannelProperties;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsi.VstorVersion;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.host.HostChannel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The host's end of one channel, as a test wants it: answers the initialisation by itself, hands
 * everything else to a script, and can send whatever it likes.
 */
final class FakeHost {
    /** What the host does with a packet that is not part of the initialisation. */
    interface Script {
        void handle(FakeHost host, HostCommand command);

        /** Whether the packets of the initialisation come to {@link #handle} too. */
        default boolean initialises() {
            return false;
        }
    }

    static final long MAX_TRANSFER = 1 << 20;

    private final HostChannel channel;
    private final @Nullable MemorySegment rings;
    private final GuestMemory memory;
    private final MemorySegment inbound = Arena.ofAuto().allocate(64 << 10, 8);
    private final MemorySegment outbound = Arena.ofAuto().allocate(4096, 8);

    /** Everything received, if wanted. */
    final List<HostCommand> received = new ArrayList<>();

    volatile Script script;
    int newestVersion = VstorVersion.V6_2;
    long maxTransfer = MAX_TRANSFER;
    int maxSubchannels;

    /**
     * @param rings both rings, of equal size, the guest's first; null where none is to be broken
     */
    FakeHost(
            HostChannel channel, @Nullable MemorySegment rings, GuestMemory memory, Script script) {
        this.channel = channel;
        this.rings = rings;
        this.memory = memory;
        this.script = script;
    }

    HostChannel channel() {
        return channel;
    }

    /** Handles every packet there is; returns how many. */
    int pump() {
        int handled = 0;
        int bytes = channel.in().read(inbound, 0, (int) inbound.byteSize());
        while (bytes > 0) {
            byte[] packet = inbound.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE);
            handle(new HostCommand(packet, memory));
            handled++;
            bytes = channel.in().read(inbound, 0, (int) inbound.byteSize());
        }
        if (bytes < 0) {
            throw new AssertionError(channel.in().describeFault());
        }
        if (channel.in().consumed()) {
            channel.signalGuest();
        }
        publish();
        return handled;
    }

    private void handle(HostCommand command) {
        received.add(command);
        if (command.id == TransactionId.INIT && !script.initialises()) {
            answerInitialisation(command);
        } else {
            script.handle(this, command);
        }
    }

    private void answerInitialisation(HostCommand command) {
        MemorySegment answer =
                MemorySegment.ofArray(command.vstor().toArray(ValueLayout.JAVA_BYTE));
        VstorPacket.operation(answer, 0, VstorOperation.COMPLETE_IO);
        switch (command.operation) {
            case VstorOperation.QUERY_PROTOCOL_VERSION -> {
                if (VstorPacket.version(answer, 0) > newestVersion) {
                    VstorPacket.status(answer, 0, VstorPacket.STATUS_REVISION_MISMATCH);
                }
            }
            case VstorOperation.QUERY_PROPERTIES -> {
                VstorChannelProperties.maxTransferBytes(answer, 0, maxTransfer);
                VstorChannelProperties.maxChannelCount(answer, 0, maxSubchannels);
                if (maxSubchannels > 0) {
                    VstorChannelProperties.flags(
                            answer, 0, VstorChannelProperties.FLAG_SUPPORTS_MULTI_CHANNEL);
                }
            }
            case VstorOperation.CREATE_SUB_CHANNELS ->
                    channel.offerSubchannels(VstorPacket.subchannelCount(command.vstor(), 0));
            default -> {}
        }
        send(PacketDescriptor.TYPE_COMPLETION, command.id, answer);
    }

    /** Ends a command well. */
    void good(HostCommand command, long transferred) {
        complete(command, SrbStatus.SUCCESS, ScsiStatus.GOOD, transferred);
    }

    void complete(HostCommand command, int srbStatus, int scsiStatus, long transferred) {
        MemorySegment answer =
                MemorySegment.ofArray(command.vstor().toArray(ValueLayout.JAVA_BYTE));
        VstorPacket.operation(answer, 0, VstorOperation.COMPLETE_IO);
        VstorSrb.srbStatus(answer, 0, srbStatus);
        VstorSrb.scsiStatus(answer, 0, scsiStatus);
        VstorSrb.dataTransferLength(answer, 0, transferred);
        send(PacketDescriptor.TYPE_COMPLETION, command.id, answer);
    }

    /** Ends a command with CHECK CONDITION. */
    void check(HostCommand command, int key, int additionalSense) {
        MemorySegment answer =
                MemorySegment.ofArray(command.vstor().toArray(ValueLayout.JAVA_BYTE));
        VstorPacket.operation(answer, 0, VstorOperation.COMPLETE_IO);
        VstorSrb.srbStatus(answer, 0, SrbStatus.ERROR | SrbStatus.AUTOSENSE_VALID);
        VstorSrb.scsiStatus(answer, 0, ScsiStatus.CHECK_CONDITION);
        VstorSrb.dataTransferLength(answer, 0, 0);
        VstorSrb.senseLength(answer, 0, Sense.BYTES);
        Sense.write(answer, VstorSrb.SENSE_OFFSET, key, additionalSense);
        send(PacketDescriptor.TYPE_COMPLETION, command.id, answer);
    }

    /** Answers an operation such as a reset. */
    void answerOperation(HostCommand command, int status) {
        MemorySegment answer =
                MemorySegment.ofArray(command.vstor().toArray(ValueLayout.JAVA_BYTE));
        VstorPacket.operation(answer, 0, VstorOperation.COMPLETE_IO);
        VstorPacket.status(answer, 0, status);
        send(PacketDescriptor.TYPE_COMPLETION, command.id, answer);
    }

    void unsolicited(int operation) {
        MemorySegment packet = MemorySegment.ofArray(new byte[VstorPacket.BYTES]);
        VstorPacket.operation(packet, 0, operation);
        send(PacketDescriptor.TYPE_DATA_INBAND, TransactionId.UNSOLICITED, packet);
    }

    /** Sends any payload under any id. Its size is a multiple of 8. */
    void send(int type, long id, MemorySegment payload) {
        int bytes = PacketDescriptor.BYTES + (int) payload.byteSize();
        PacketDescriptor.encode(outbound, 0, type, PacketDescriptor.BYTES, bytes, 0, id);
        MemorySegment.copy(payload, 0, outbound, PacketDescriptor.BYTES, payload.byteSize());
        sendRaw(bytes);
    }

    /** Sends a packet given whole. */
    void sendPacket(byte[] packet) {
        MemorySegment.copy(packet, 0, outbound, ValueLayout.JAVA_BYTE, 0, packet.length);
        sendRaw(packet.length);
    }

    private void sendRaw(int bytes) {
        if (!channel.out().write(outbound, 0, bytes)) {
            throw new AssertionError("the guest does not empty its ring");
        }
    }

    /** Leaves the guest a write index that no ring of this size can have. */
    void breakRing() {
        MemorySegment shared = Objects.requireNonNull(rings);
        shared.set(
                ValueLayout.JAVA_INT_UNALIGNED,
                shared.byteSize() / 2 + RingLayout.WRITE_INDEX_OFFSET,
                0x7FFF_FFF1);
    }

    /** Shows the guest what was sent. */
    void publish() {
        if ((channel.out().publish() & RingWriter.SIGNAL) != 0) {
            channel.signalGuest();
        }
    }
}
