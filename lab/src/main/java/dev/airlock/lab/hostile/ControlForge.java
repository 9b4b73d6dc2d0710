package dev.airlock.lab.hostile;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Memfd;
import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.UserData;
import dev.airlock.vmbus.VmbusVersion;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.MessageType;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.TlConnectRequest;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.transport.FrameSocket;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/**
 * Frames of a guest's control protocol: valid ones, and spoiled ones of every kind. Numbers that
 * they carry are mostly ones the host knows. For one thread.
 */
final class ControlForge implements AutoCloseable {
    /** Where contact is made since 5.0 (Linux {@code VMBUS_MESSAGE_CONNECTION_ID_4}). */
    private static final int CONTACT_CONNECTION_ID = 4;

    private static final int RELIDS = 6;

    /** How often a message ends the connection for a new one, on purpose. */
    private static final int RESET_ONE_IN = 200;

    private static final int GPADL_PAGES_MAX = 64;

    private final GuestPages pages;
    private final FrameForge frames;
    private final EventFd[] doorbells;
    private final Fd[] odd;
    private int lastGpadl = 0x100;

    ControlForge(GuestPages pages, FrameForge frames) throws LinuxException {
        this.pages = pages;
        this.frames = frames;
        doorbells = new EventFd[] {EventFd.create(), EventFd.create()};
        odd =
                new Fd[] {
                    pages.memfd(),
                    doorbells[0].fd(),
                    doorbells[1].fd(),
                    Memfd.create("small", 4096),
                    FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR),
                    FileIo.open(Path.of("/dev/zero"), FileIo.O_RDONLY),
                    FileIo.open(Path.of("/dev/shm"), FileIo.O_RDWR | FileIo.O_TMPFILE, 0600),
                    FileIo.open(Path.of("/"), FileIo.O_RDONLY | FileIo.O_DIRECTORY),
                };
    }

    /** A GPADL handle not used before. */
    int newGpadl() {
        return ++lastGpadl;
    }

    /** A frame with a valid message. Valid until the next call. */
    MemorySegment message(ControlMessage message) {
        boolean contact = message.type() == MessageType.INITIATE_CONTACT;
        return frames.message(
                contact ? CONTACT_CONNECTION_ID : HostBus.MESSAGE_CONNECTION_ID, message);
    }

    /** A frame that hands over a region; the memfd goes with it. */
    MemorySegment region(GuestPages.Region region) {
        return frames.region(region.gpa(), region.bytes(), region.offset());
    }

    /** A frame that hands over the doorbells of a channel. */
    MemorySegment doorbells(int relid) {
        return frames.bare(FrameSocket.KIND_DOORBELLS, relid);
    }

    /** Any valid message of a guest. */
    ControlMessage any(Dice dice) {
        int relid = dice.between(0, RELIDS);
        int gpadl = dice.oneIn(3) ? newGpadl() : lastGpadl - dice.below(4);
        if (dice.oneIn(RESET_ONE_IN)) {
            return dice.oneIn(2) ? contact(dice) : new Unload();
        }
        return switch (dice.below(22)) {
            case 0, 1, 2 -> new RequestOffers();
            case 3, 4 -> new OpenChannel(relid, dice.below(9), gpadl, 0, 2, UserData.NONE);
            case 5 -> new CloseChannel(relid);
            case 6, 7 -> new GpadlTeardown(relid, gpadl);
            case 8 -> new RelidReleased(relid);
            case 9, 10 -> new ModifyChannel(relid, dice.below(4));
            case 11 -> new TlConnectRequest(new Guid(1, 2), new Guid(3, 4));
            default -> gpadlPart(relid, gpadl, dice);
        };
    }

    /** INITIATE_CONTACT with a version that is spoken. */
    InitiateContact contact(Dice dice) {
        VmbusVersion version = dice.oneIn(2) ? VmbusVersion.V5_3 : VmbusVersion.V5_2;
        return new InitiateContact(version.number(), 0, InitiateContact.SINT2_VTL0, 0, 0);
    }

    /** Descriptors that do not belong to a frame, in number or kind; often none. */
    Fd[] oddDescriptors(Dice dice) {
        Fd[] fds = new Fd[dice.oneIn(2) ? 0 : dice.between(1, 3)];
        for (int i = 0; i < fds.length; i++) {
            fds[i] = odd[dice.below(odd.length)];
        }
        return fds;
    }

    /**
     * Whether a frame can put the host's connection back to its beginning, or silence it: then
     * contact must be made anew before anything else is answered.
     */
    static boolean mayReset(MemorySegment sent) {
        int bodyAt = FrameSocket.PAYLOAD_OFFSET;
        if (sent.byteSize() < bodyAt + Integer.BYTES) {
            return false;
        }
        int type = ControlMessage.typeNumber(sent, bodyAt);
        return type == MessageType.INITIATE_CONTACT.number() || type == MessageType.UNLOAD.number();
    }

    @Override
    public void close() {
        for (EventFd doorbell : doorbells) {
            doorbell.close();
        }
        for (int i = 3; i < odd.length; i++) {
            odd[i].close();
        }
    }

    /** One part of a GPADL, of the right or another. */
    private ControlMessage gpadlPart(int relid, int gpadl, Dice dice) {
        long[] pfns = new long[dice.between(1, GPADL_PAGES_MAX)];
        for (int i = 0; i < pfns.length; i++) {
            pfns[i] = pages.pfn(pages.dataPage(dice));
        }
        List<ControlMessage> parts = Gpadl.messages(relid, gpadl, pfns);
        return parts.get(dice.below(parts.size()));
    }
}
