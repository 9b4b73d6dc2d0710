package dev.airlock.storvsp;

import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsi.VstorVersion;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.guest.GuestChannel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The guest's end of one storage channel, driven by a test: sends the packets it is told to and
 * takes the host's one by one. For one thread.
 */
public final class ScriptedGuest {
    /** Long enough for any answer; only a lost one runs into it. */
    private static final long ANSWER_TIMEOUT_MS = 15_000;

    private static final int PACKET_BYTES_MAX = 64 << 10;
    private static final ValueLayout.OfShort U16_BIG =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt U32_BIG =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final GuestChannel channel;
    private final MemorySegment packet = Arena.ofAuto().allocate(PACKET_BYTES_MAX, 8);
    private final MemorySegment received = Arena.ofAuto().allocate(PACKET_BYTES_MAX, 8);
    private int flags = PacketDescriptor.FLAG_COMPLETION_REQUESTED;

    public ScriptedGuest(GuestChannel channel) {
        this.channel = channel;
    }

    /** A packet from the host. */
    public record Answer(int type, long id, MemorySegment vstor) {
        public int operation() {
            return VstorPacket.operation(vstor, 0);
        }

        public int status() {
            return VstorPacket.status(vstor, 0);
        }

        public int srbStatus() {
            return VstorSrb.srbStatus(vstor, 0);
        }

        public int scsiStatus() {
            return VstorSrb.scsiStatus(vstor, 0);
        }

        public long transferred() {
            return VstorSrb.dataTransferLength(vstor, 0);
        }
    }

    public GuestChannel channel() {
        return channel;
    }

    /** Whether packets sent from now on ask for a completion. */
    public void askForCompletions(boolean ask) {
        flags = ask ? PacketDescriptor.FLAG_COMPLETION_REQUESTED : 0;
    }

    /** Goes through the whole set-up and fails the test if a step is refused. */
    public void negotiate() {
        control(VstorOperation.BEGIN_INITIALIZATION, 0);
        control(VstorOperation.QUERY_PROTOCOL_VERSION, VstorVersion.V6_2);
        control(VstorOperation.QUERY_PROPERTIES, 0);
        control(VstorOperation.END_INITIALIZATION, 0);
    }

    /** Sends an operation with a 16-bit body and requires that it succeeds. */
    public Answer control(int operation, int body) {
        sendControl(-3, operation, body);
        Answer answer = receive();
        if (answer.status() != 0 || answer.operation() != VstorOperation.COMPLETE_IO) {
            throw new AssertionError(
                    VstorOperation.name(operation)
                            + " status=0x"
                            + Integer.toHexString(answer.status()));
        }
        return answer;
    }

    /** Sends an operation with a 16-bit body. */
    public void sendControl(long id, int operation, int body) {
        MemorySegment vstor = inBand(id);
        VstorPacket.operation(vstor, 0, operation);
        VstorPacket.flags(vstor, 0, VstorPacket.FLAG_REQUEST_COMPLETION);
        VstorPacket.version(vstor, 0, body);
        send();
    }

    /**
     * Starts an in-band packet; returns its zeroed vstor part, to be filled before {@link #send}.
     */
    public MemorySegment inBand(long id) {
        int bytes = PacketDescriptor.BYTES + VstorPacket.BYTES;
        packet.asSlice(0, bytes).fill((byte) 0);
        PacketDescriptor.encode(
                packet,
                0,
                PacketDescriptor.TYPE_DATA_INBAND,
                PacketDescriptor.BYTES,
                bytes,
                flags,
                id);
        return packet.asSlice(PacketDescriptor.BYTES, VstorPacket.BYTES);
    }

    /**
     * Starts a packet with data at consecutive pages from {@code gpa} on; returns its zeroed vstor
     * part.
     */
    public MemorySegment gpaDirect(long id, long gpa, int bytes) {
        int inPage = (int) (gpa & HvPage.MASK);
        int pages = (int) HvPage.span(inPage, bytes);
        int payloadAt =
                GpaDirectPacket.encode(
                        packet, 0, bytes, inPage, pages, VstorPacket.BYTES, flags, id);
        for (int i = 0; i < pages; i++) {
            GpaDirectPacket.putPfn(packet, 0, i, (gpa >>> HvPage.SHIFT) + i);
        }
        MemorySegment vstor = packet.asSlice(payloadAt, VstorPacket.BYTES);
        vstor.fill((byte) 0);
        return vstor;
    }

    /** The packet being made, for mutations. */
    public MemorySegment packet() {
        return packet;
    }

    /** Fills the SRB of a packet started by {@link #inBand} or {@link #gpaDirect}. */
    public static void srb(MemorySegment vstor, int lun, int direction, int bytes, int... cdb) {
        VstorPacket.operation(vstor, 0, VstorOperation.EXECUTE_SRB);
        VstorPacket.flags(vstor, 0, VstorPacket.FLAG_REQUEST_COMPLETION);
        VstorSrb.length(vstor, 0, VstorSrb.BYTES);
        VstorSrb.lun(vstor, 0, lun);
        VstorSrb.cdbLength(vstor, 0, cdb.length);
        VstorSrb.senseLength(vstor, 0, VstorSrb.SENSE_BYTES);
        VstorSrb.direction(vstor, 0, direction);
        VstorSrb.dataTransferLength(vstor, 0, bytes);
        for (int i = 0; i < cdb.length; i++) {
            vstor.set(ValueLayout.JAVA_BYTE, VstorSrb.CDB_OFFSET + i, (byte) cdb[i]);
        }
    }

    /** Sends READ(10) or WRITE(10) of 512-byte blocks. */
    public void sendTransfer(long id, int lun, boolean write, int lba, long gpa, int bytes) {
        MemorySegment vstor = gpaDirect(id, gpa, bytes);
        srb(
                vstor,
                lun,
                write ? VstorSrb.DIRECTION_OUT : VstorSrb.DIRECTION_IN,
                bytes,
                write ? 0x2A : 0x28,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0);
        vstor.set(U32_BIG, VstorSrb.CDB_OFFSET + 2, lba);
        vstor.set(U16_BIG, VstorSrb.CDB_OFFSET + 7, (short) (bytes / 512));
        send();
    }

    /** Sends a command without data. */
    public void sendCommand(long id, int lun, int... cdb) {
        srb(inBand(id), lun, VstorSrb.DIRECTION_NONE, 0, cdb);
        send();
    }

    /** Sends a reset. */
    public void sendReset(long id, int operation, int lun) {
        MemorySegment vstor = inBand(id);
        VstorPacket.operation(vstor, 0, operation);
        VstorSrb.lun(vstor, 0, lun);
        send();
    }

    /** Writes the packet made last, waiting for room, and signals where asked. */
    public void send() {
        while (!trySend()) {
            await();
        }
    }

    /** Writes the packet made last if there is room. */
    public boolean trySend() {
        RingWriter out = channel.out();
        int bytes = PacketDescriptor.packetBytes(packet, 0);
        if (!out.write(packet, 0, bytes)) {
            int armed = out.awaitRoom(bytes);
            signalIf((armed & RingWriter.SIGNAL) != 0);
            if ((armed & RingWriter.ROOM) == 0 || !out.write(packet, 0, bytes)) {
                return false;
            }
        }
        signalIf((out.publish() & RingWriter.SIGNAL) != 0);
        return true;
    }

    /** The host's next packet; fails the test when none comes. */
    public Answer receive() {
        while (true) {
            Answer answer = poll();
            if (answer != null) {
                return answer;
            }
            if (!channel.in().unmaskInterrupts()) {
                await();
            }
        }
    }

    /** The next packet if there is one now. */
    public @org.jspecify.annotations.Nullable Answer poll() {
        int bytes = channel.in().read(received, 0, PACKET_BYTES_MAX);
        if (bytes < 0) {
            throw new AssertionError(channel.in().describeFault());
        }
        if (bytes == 0) {
            return null;
        }
        signalIf(channel.in().consumed());
        int at = PacketDescriptor.dataOffset(received, 0);
        MemorySegment vstor = Arena.ofAuto().allocate(VstorPacket.BYTES);
        vstor.copyFrom(received.asSlice(at, VstorPacket.BYTES));
        return new Answer(
                PacketDescriptor.type(received, 0),
                PacketDescriptor.transactionId(received, 0),
                vstor);
    }

    /** Fills memory so that each 8-byte word holds {@code base} plus its offset. */
    public static void fillPattern(GuestMemory memory, long gpa, int bytes, long base) {
        for (int i = 0; i < bytes; i += 8) {
            memory.bytes().set(ValueLayout.JAVA_LONG_UNALIGNED, gpa + i, base + i);
        }
    }

    /** Offset of the first word that is not as {@link #fillPattern} made it, or -1. */
    public static int mismatch(GuestMemory memory, long gpa, int bytes, long base) {
        for (int i = 0; i < bytes; i += 8) {
            if (memory.bytes().get(ValueLayout.JAVA_LONG_UNALIGNED, gpa + i) != base + i) {
                return i;
            }
        }
        return -1;
    }

    private void await() {
        try {
            if (!channel.await(ANSWER_TIMEOUT_MS)) {
                throw new AssertionError("the host does not answer");
            }
            if (!channel.isOpen()) {
                throw new AssertionError("the channel has closed");
            }
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }

    private void signalIf(boolean signal) {
        if (signal) {
            channel.signalHost();
        }
    }
}
