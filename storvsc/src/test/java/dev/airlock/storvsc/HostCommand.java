package dev.airlock.storvsc;

import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A packet from the guest as the test's host sees it. */
final class HostCommand {
    final byte[] packet;
    final long id;
    final int operation;
    private final MemorySegment bytes;
    private final int vstorAt;
    private final GuestMemory memory;

    HostCommand(byte[] packet, GuestMemory memory) {
        this.packet = packet;
        this.memory = memory;
        this.bytes = MemorySegment.ofArray(packet);
        this.id = PacketDescriptor.transactionId(bytes, 0);
        this.vstorAt = PacketDescriptor.dataOffset(bytes, 0);
        this.operation = VstorPacket.operation(bytes, vstorAt);
    }

    boolean hasData() {
        return PacketDescriptor.type(bytes, 0) == PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT;
    }

    int dataBytes() {
        return hasData() ? (int) GpaDirectPacket.byteCount(bytes, 0) : 0;
    }

    int pages() {
        return hasData() ? GpaDirectPacket.validatedPageCount(bytes, 0, packet.length) : 0;
    }

    long pfn(int page) {
        return GpaDirectPacket.pfn(bytes, 0, page);
    }

    int opcode() {
        return cdb(0);
    }

    int cdb(int at) {
        return bytes.get(ValueLayout.JAVA_BYTE, vstorAt + VstorSrb.CDB_OFFSET + (long) at) & 0xFF;
    }

    long cdbField(int at, int length) {
        long value = 0;
        for (int i = 0; i < length; i++) {
            value = value << 8 | cdb(at + i);
        }
        return value;
    }

    int path() {
        return VstorSrb.path(bytes, vstorAt);
    }

    int target() {
        return VstorSrb.target(bytes, vstorAt);
    }

    int lun() {
        return VstorSrb.lun(bytes, vstorAt);
    }

    /** The 64 bytes of the vstor packet. */
    MemorySegment vstor() {
        return bytes.asSlice(vstorAt, VstorPacket.BYTES);
    }

    /** Writes into the guest's pages, as far as there are any; returns how many bytes. */
    int writeData(byte[] data, int from, int length) {
        int count = Math.min(length, dataBytes());
        for (int at = 0; at < count; at += inPage(at, count)) {
            MemorySegment.copy(
                    data,
                    from + at,
                    memory.bytes(),
                    ValueLayout.JAVA_BYTE,
                    gpa(at),
                    inPage(at, count));
        }
        return count;
    }

    /** Reads the guest's pages. */
    void readData(byte[] into, int from, int length) {
        for (int at = 0; at < length; at += inPage(at, length)) {
            MemorySegment.copy(
                    memory.bytes(),
                    ValueLayout.JAVA_BYTE,
                    gpa(at),
                    into,
                    from + at,
                    inPage(at, length));
        }
    }

    /** Bytes from here to the end of the page, or of the data. */
    private int inPage(int at, int end) {
        return (int) Math.min(HvPage.SIZE - (gpa(at) & HvPage.MASK), end - at);
    }

    /** Whether the host sees every page of the data. */
    boolean isVisible() {
        for (int page = 0; page < pages(); page++) {
            if (!memory.isVisible(pfn(page) << HvPage.SHIFT, HvPage.SIZE)) {
                return false;
            }
        }
        return true;
    }

    private long gpa(int byteAt) {
        int at = (int) GpaDirectPacket.byteOffset(bytes, 0) + byteAt;
        return (pfn(at >> HvPage.SHIFT) << HvPage.SHIFT) + (at & HvPage.MASK);
    }

    @Override
    public String toString() {
        return "command id=%x operation=%d opcode=%02x".formatted(id, operation, opcode());
    }
}
