package dev.airlock.nbd;

import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import dev.airlock.nbd.wire.NbdError;
import dev.airlock.nbd.wire.RequestHeader;
import dev.airlock.nbd.wire.Transmission;
import dev.airlock.storvsc.LunFacts;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Serves one client from the handshake to its end, on one thread and without a hand-over: receives
 * requests, submits them, ends what the host has answered, sends replies; spins for a short time
 * while answers are near, then sleeps for whatever comes first. Allocates no object for a read or a
 * write once warm.
 *
 * <p>What cannot be taken now, for want of a slot or of buffer memory, stays in the socket: the
 * client is slowed down, never refused. When the host has gone everything is answered with an error
 * until another guest is there.
 */
final class RequestLoop implements Outbox.Sent {
    /** The mean buffer of requests for whose answers it pays to look without sleeping. */
    private static final long NEAR_BYTES = 32 << 10;

    private final NbdServer server;
    private final Agreement agreed;
    private final Transport transport;
    private final Mailbox mailbox;
    private final ConnectionCounters counters;
    private final ExportState export;
    private final Steps steps;
    private final Replies replies;
    private final SlotPool slots;
    private final Inbox inbox = new Inbox();
    private final Outbox outbox = new Outbox();
    private final Idling idling;
    private final BusyBudget budget = new BusyBudget();

    private @Nullable DiskLink link;
    private LunFacts facts;
    private @Nullable Slot receiving;
    private boolean stalled;
    private boolean mayHaveInput = true;
    private boolean reading = true;
    private boolean connected = true;

    /** Requests that the device has, or that wait for others. */
    private int underWay;

    RequestLoop(NbdServer server, Agreement agreed, Mailbox mailbox, ConnectionCounters counters)
            throws LinuxException {
        this.server = server;
        this.agreed = agreed;
        this.transport = agreed.transport();
        this.mailbox = mailbox;
        this.counters = counters;
        this.export = server.export(agreed.disk().address());
        this.facts = agreed.disk();
        this.steps = new Steps(export, agreed.extended());
        this.replies = new Replies(agreed.structured(), agreed.extended());
        this.slots = new SlotPool(mailbox, server.options().requestsPerConnection());
        this.idling = new Idling(mailbox, transport, outbox, server.options().spinMaxNanos());
    }

    /**
     * Serves until the client leaves or the server ends.
     *
     * @throws ClientFault when the client broke the protocol; what it had under way has ended
     */
    void run(DiskLink first) throws ClientFault, LinuxException {
        link = first;
        ClientFault fault = null;
        while (connected || underWay > 0) {
            boolean worked = collect();
            try {
                worked |= send();
                worked |= receive();
            } catch (ClientFault broken) {
                fault = broken;
                hangUp();
            }
            if (isOver()) {
                hangUp();
            } else if (!worked) {
                boolean wantsInput = reading && !stalled;
                mayHaveInput |= idling.idle(link, isAnswerNear(), wantsInput, connected);
            }
        }
        outbox.drop(this);
        closeLink();
        if (fault != null) {
            throw fault;
        }
    }

    /** A reply is out, or the client has gone: the slot and its buffer are free. */
    @Override
    public void sent(Slot slot) {
        DiskLink current = link;
        if (slot.bufferBytes > 0 && current != null) {
            current.arena().free(slot.gpa, slot.bufferBytes);
        }
        slots.giveBack(slot);
        stalled = false;
    }

    /** Whether the device has requests, and small ones: large ones take longer than a sleep. */
    private boolean isAnswerNear() {
        DiskLink current = link;
        return current != null && underWay > 0 && current.arena().used() <= underWay * NEAR_BYTES;
    }

    /** The client goes on no more, by its own will or ours, and has all its replies. */
    private boolean isOver() {
        return !reading && underWay == 0 && outbox.isEmpty() && transport.drain();
    }

    /** Nothing more is received or sent; what is under way ends. */
    private void hangUp() {
        connected = false;
        reading = false;
        Slot half = receiving;
        if (half != null) {
            receiving = null;
            sent(half);
        }
        outbox.drop(this);
    }

    /** Ends what the host has answered, and takes the next step of each request. */
    private boolean collect() {
        DiskLink current = link;
        boolean worked = current != null && current.poll();
        boolean nudged = mailbox.takeNudge();
        if (nudged && server.isStopping()) {
            reading = false;
        }
        long now = 0;
        Slot slot = mailbox.take();
        while (slot != null && current != null) {
            worked = true;
            if (steps.advance(slot, current)) {
                underWay--;
                now = now == 0 ? System.nanoTime() : now;
                budget.ended(now - slot.begunNanos, now);
                reply(slot, now);
            }
            slot = mailbox.take();
        }
        if (worked && current != null) {
            current.device().publish();
        }
        if (current == null || current.isGone()) {
            worked |= changeLink();
        }
        return worked;
    }

    /** The host or the disk has gone: once nothing refers to its memory, looks for a successor. */
    private boolean changeLink() {
        if (link != null && (underWay > 0 || slots.inUse() > (receiving == null ? 0 : 1))) {
            return false;
        }
        Slot half = receiving;
        if (half != null) {
            // Its payload has nowhere to go any more.
            receiving = null;
            long left = inbox.abandonPayload();
            inbox.discard(left);
            sentWithoutBuffer(half);
        }
        boolean had = link != null;
        closeLink();
        DiskLink next = connected ? server.relink(agreed) : null;
        if (next != null) {
            link = next;
            facts = next.device().facts();
        }
        return had || next != null;
    }

    private void sentWithoutBuffer(Slot slot) {
        DiskLink current = link;
        if (slot.bufferBytes > 0 && current != null) {
            current.arena().free(slot.gpa, slot.bufferBytes);
        }
        slot.bufferBytes = 0;
        slot.error = NbdError.ESHUTDOWN;
        reply(slot, System.nanoTime());
    }

    private void closeLink() {
        DiskLink current = link;
        link = null;
        if (current != null) {
            current.close();
        }
    }

    private boolean send() {
        if (outbox.isEmpty() || outbox.isBlocked() || !connected) {
            return false;
        }
        int result = outbox.send(transport, this);
        if (result < 0) {
            hangUp();
        }
        mayHaveInput = true;
        return true;
    }

    private boolean receive() throws ClientFault {
        if (!reading) {
            return false;
        }
        boolean worked = takeRequests();
        if (reading && !stalled && (mayHaveInput || transport.hasInput())) {
            long result = inbox.receive(transport);
            if (result > 0) {
                worked = true;
                takeRequests();
            } else if (result == -Errno.EAGAIN) {
                mayHaveInput = false;
            } else {
                clientLeft(result);
            }
        }
        DiskLink current = link;
        if (worked && current != null) {
            current.device().publish();
        }
        return worked;
    }

    /** The stream has ended, in order or not. */
    private void clientLeft(long result) throws ClientFault {
        boolean inMidRequest = inbox.available() > 0 || !inbox.isPayloadComplete();
        hangUp();
        if (result == 0 && inMidRequest) {
            throw new ClientFault("left in the middle of a request");
        }
    }

    /** Takes what is whole; whether there was anything. */
    private boolean takeRequests() throws ClientFault {
        boolean any = false;
        long now = 0;
        while (reading && !stalled && inbox.isPayloadComplete()) {
            now = now == 0 ? System.nanoTime() : now;
            Slot whole = receiving;
            if (whole != null) {
                receiving = null;
                begin(whole, now);
            } else if (!takeHeader(now)) {
                return any;
            }
            any = true;
        }
        return any;
    }

    private void begin(Slot slot, long now) {
        slot.begunNanos = now;
        DiskLink current = link;
        if (current == null) {
            slot.error = NbdError.ESHUTDOWN;
            reply(slot, now);
        } else if (steps.begin(slot, current)) {
            reply(slot, now);
        } else {
            underWay++;
        }
    }

    /** Takes one request; false when its header is not whole, or it has to wait. */
    private boolean takeHeader(long now) throws ClientFault {
        boolean extended = agreed.extended();
        int headerBytes = RequestHeader.bytes(extended);
        if (inbox.available() < headerBytes) {
            return false;
        }
        MemorySegment bytes = inbox.bytes();
        int at = inbox.at();
        if (!RequestHeader.isMagicRight(bytes, at, extended)) {
            throw new ClientFault("sent a request with a wrong magic");
        }
        if (RequestHeader.type(bytes, at) == Transmission.CMD_DISC) {
            reading = false;
            return true;
        }
        Slot slot = slots.take();
        if (slot == null) {
            stalled = true;
            return false;
        }
        slot.command = RequestHeader.type(bytes, at);
        slot.flags = RequestHeader.flags(bytes, at);
        slot.cookie = RequestHeader.cookie(bytes, at);
        slot.offset = RequestHeader.offset(bytes, at);
        slot.length = RequestHeader.length(bytes, at, extended);
        slot.startedNanos = now;
        // A write has one also without the flag that the protocol asks for: qemu 10 leaves it out.
        boolean hasPayload =
                slot.command == Transmission.CMD_WRITE
                        || (extended && (slot.flags & Transmission.FLAG_PAYLOAD_LEN) != 0);
        if (hasPayload && (slot.length < 0 || slot.length > RequestCheck.DISCARD_BYTES_MAX)) {
            String length = Long.toUnsignedString(slot.length);
            slots.giveBack(slot);
            throw new ClientFault("announced a payload of " + length + " bytes");
        }
        DiskLink current = link;
        slot.error = check(slot, current);
        if (slot.error == NbdError.OK && current != null && !reserve(slot, current)) {
            return false;
        }
        inbox.skip(headerBytes);
        counters.begun();
        if (slot.error != NbdError.OK) {
            if (hasPayload) {
                inbox.discard(slot.length);
            }
            reply(slot, now);
        } else if (hasPayload && current != null) {
            receiving = slot;
            slot.stage = Slot.Stage.RECEIVE;
            long to = Steps.dataAt(slot, current.device().sectorBytes());
            inbox.expect(current.memory(), to, slot.length);
        } else {
            begin(slot, now);
        }
        return true;
    }

    private int check(Slot slot, @Nullable DiskLink current) {
        if (current == null || current.isGone()) {
            return NbdError.ESHUTDOWN;
        }
        LunFacts now = current.device().facts();
        boolean readOnly = server.options().readOnly() || now.readOnly();
        return RequestCheck.check(
                slot, agreed.extended(), agreed.withStatus(), readOnly, now.sizeBytes());
    }

    /** Takes the buffer; false when the request has to wait for one. */
    private boolean reserve(Slot slot, DiskLink current) {
        long bytes = Steps.bufferBytes(slot, current.device().sectorBytes());
        if (bytes > 0) {
            boolean mayTake = budget.allows(current.arena().used(), bytes);
            slot.gpa = mayTake ? current.arena().allocate(bytes) : BufferArena.NONE;
            if (slot.gpa == BufferArena.NONE) {
                slots.giveBack(slot);
                stalled = true;
                return false;
            }
            slot.bufferBytes = bytes;
        }
        return true;
    }

    private void reply(Slot slot, long now) {
        slot.stage = Slot.Stage.REPLY;
        DiskLink current = link;
        if (current != null) {
            long dataAt = Steps.dataAt(slot, current.device().sectorBytes());
            replies.write(slot, current.memory(), dataAt);
        } else {
            replies.write(slot, MemorySegment.NULL, 0);
        }
        counters.ended(slot, now - slot.startedNanos);
        if (connected) {
            outbox.add(slot);
        } else {
            sent(slot);
        }
    }
}
