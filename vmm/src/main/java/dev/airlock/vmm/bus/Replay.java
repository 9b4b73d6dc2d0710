package dev.airlock.vmm.bus;

import dev.airlock.linux.ReceivedMessage;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.MessageType;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.VersionResponse;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Says to a new host what the guest had said to the one before, and brings its channels to where
 * they were: the rings stay as they are, and each channel's journal tells the host the rest. What
 * the guest waits for goes to the guest; other answers end here. For one thread.
 */
final class Replay {
    /** For each answer of a host that has just started. */
    private static final long PATIENCE_MS = 20_000;

    private final FrameSocket frames;
    private final Conversation said;
    private final Collection<ForwardedChannel> channels;
    private final Listener guest;
    private final Set<Integer> offered = new HashSet<>();

    /** Where messages for the guest go. */
    interface Listener {
        void accept(ControlMessage message, byte[] bytes);
    }

    Replay(
            FrameSocket frames,
            Conversation said,
            Collection<ForwardedChannel> channels,
            Listener guest) {
        this.frames = frames;
        this.said = said;
        this.channels = channels;
        this.guest = guest;
    }

    /** Returns when the host is where the one before was. */
    void run() throws IOException {
        Conversation.Said contact = said.contact();
        if (contact == null) {
            return;
        }
        send(contact);
        if (((VersionResponse) await(MessageType.VERSION_RESPONSE, 0)).supported() == 0) {
            throw new IOException("it does not speak the guest's version of VMBus");
        }
        Conversation.Said request = said.offersRequest();
        if (request == null) {
            return;
        }
        send(request);
        await(MessageType.ALL_OFFERS_DELIVERED, 0);
        for (ForwardedChannel channel :
                channels.stream()
                        .sorted(Comparator.comparingInt(c -> c.subchannelIndex))
                        .toList()) {
            restore(channel);
        }
    }

    private void restore(ForwardedChannel channel) throws IOException {
        Map<Integer, List<Conversation.Said>> gpadls = said.gpadls(channel.relid);
        Conversation.Said open = said.open(channel.relid);
        if (gpadls.isEmpty() && open == null) {
            return;
        }
        while (!offered.contains(channel.relid)) {
            receive("offer of channel " + channel.relid);
        }
        for (Map.Entry<Integer, List<Conversation.Said>> gpadl : gpadls.entrySet()) {
            for (Conversation.Said part : gpadl.getValue()) {
                send(part);
            }
            var created = (GpadlCreated) await(MessageType.GPADL_CREATED, gpadl.getKey());
            require(created.status(), "memory of channel " + channel.relid);
        }
        if (open == null) {
            return;
        }
        channel.handTo(frames);
        send(open);
        var result = (OpenChannelResult) await(MessageType.OPEN_CHANNEL_RESULT, channel.relid);
        require(result.status(), "rings of channel " + channel.relid);
    }

    private static void require(int status, String what) throws IOException {
        if (status != ControlMessage.STATUS_SUCCESS) {
            throw new IOException("it refused the " + what + ": status=0x%x".formatted(status));
        }
    }

    private void send(Conversation.Said what) throws IOException {
        frames.sendRaw(what.connectionId(), MemorySegment.ofArray(what.message()));
    }

    private ControlMessage await(MessageType type, int key) throws IOException {
        while (true) {
            ControlMessage message = receive(type.toString());
            if (message != null && message.type() == type && key(message) == key) {
                return message;
            }
        }
    }

    private static int key(ControlMessage message) {
        return switch (message) {
            case GpadlCreated m -> m.gpadl();
            case OpenChannelResult m -> m.relid();
            default -> 0;
        };
    }

    /** One message that is no offer of a channel that is there; null for such an offer. */
    private @Nullable ControlMessage receive(String awaited) throws IOException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS);
        while (true) {
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            try (ReceivedMessage received = frames.receive(Math.max(0, left))) {
                if (received.isClosed()) {
                    throw new IOException("it went before it had taken the guest over");
                }
                if (received.isTimedOut()) {
                    throw new IOException("it did not answer: " + awaited);
                }
            }
            if (frames.kind() != FrameSocket.KIND_MESSAGE) {
                continue;
            }
            MemorySegment bytes = frames.frame().asSlice(FrameSocket.PAYLOAD_OFFSET);
            ControlMessage message = ControlMessage.decode(bytes, 0, frames.payloadBytes());
            if (message == null) {
                continue;
            }
            if (message instanceof OfferChannel offer && isKnown(offer)) {
                return null;
            }
            boolean isAnswer = isAnswer(message);
            if (said.answered(message) || !isAnswer) {
                guest.accept(message, bytes.toArray(ValueLayout.JAVA_BYTE));
            }
            return message;
        }
    }

    private boolean isKnown(OfferChannel message) throws IOException {
        for (ForwardedChannel channel : channels) {
            if (channel.relid == message.offer().relid()) {
                if (channel.connectionId != message.offer().connectionId()
                        || channel.subchannelIndex != message.offer().subchannelIndex()) {
                    throw new IOException("its channels are not those the guest has");
                }
                offered.add(channel.relid);
                return true;
            }
        }
        return false;
    }

    private static boolean isAnswer(ControlMessage message) {
        return switch (message.type()) {
            case VERSION_RESPONSE,
                    ALL_OFFERS_DELIVERED,
                    GPADL_CREATED,
                    GPADL_TORNDOWN,
                    OPEN_CHANNEL_RESULT,
                    MODIFY_CHANNEL_RESPONSE,
                    UNLOAD_RESPONSE ->
                    true;
            default -> false;
        };
    }
}
