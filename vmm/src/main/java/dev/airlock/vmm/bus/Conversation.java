package dev.airlock.vmm.bus;

import dev.airlock.vmbus.VmbusVersion;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.MessageType;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.message.UnloadResponse;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the guest has said to its host that still holds, so that it can be said to another host, and
 * which answers the guest still waits for. Not thread-safe.
 */
final class Conversation {
    /** A guest that says more than this, all at once, is not carried over. */
    static final int BYTES_MAX = 16 << 20;

    /** As {@link #BYTES_MAX}, of GPADLs, channels and answers. */
    static final int THINGS_MAX = 8192;

    private @Nullable Said contact;
    private @Nullable Said offersRequest;
    private final Map<Integer, Handed> gpadls = new TreeMap<>();
    private final Map<Integer, Said> opens = new TreeMap<>();
    private final Set<Answer> owed = new HashSet<>();
    private int bytes;
    private boolean changesAnswered;

    /** Whether the guest said too much, so that nothing is kept until it starts over. */
    private boolean overflown;

    /** A message as it was posted. */
    record Said(int connectionId, byte[] message) {}

    /** An answer that the guest waits for: its type, and of which channel or GPADL. */
    record Answer(MessageType type, int key) {}

    /** A GPADL, as many messages as it took. */
    private record Handed(int relid, List<Said> said) {}

    /** The guest has posted a message; before it is sent. */
    void said(Said what, ControlMessage message) {
        if (message instanceof InitiateContact || message instanceof Unload) {
            forget();
        }
        if (!overflown) {
            keep(what, message);
            overflown =
                    bytes > BYTES_MAX || gpadls.size() + opens.size() + owed.size() > THINGS_MAX;
            if (overflown) {
                forget();
                overflown = true;
            }
        }
    }

    private void keep(Said what, ControlMessage message) {
        switch (message) {
            case InitiateContact m -> {
                contact = what;
                VmbusVersion asked = VmbusVersion.supported(m.version());
                changesAnswered = asked != null && asked.answersModifyChannel();
                owe(MessageType.VERSION_RESPONSE, 0);
            }
            case RequestOffers m -> {
                offersRequest = what;
                owe(MessageType.ALL_OFFERS_DELIVERED, 0);
            }
            case GpadlHeader m -> {
                gpadls.computeIfAbsent(m.gpadl(), handle -> new Handed(m.relid(), list()));
                add(m.gpadl(), what);
                owe(MessageType.GPADL_CREATED, m.gpadl());
            }
            case GpadlBody m -> add(m.gpadl(), what);
            case GpadlTeardown m -> owe(MessageType.GPADL_TORNDOWN, m.gpadl());
            case OpenChannel m -> {
                opens.put(m.relid(), what);
                owe(MessageType.OPEN_CHANNEL_RESULT, m.relid());
            }
            case CloseChannel m -> opens.remove(m.relid());
            case ModifyChannel m -> {
                opens.computeIfPresent(m.relid(), (relid, open) -> retarget(open, m.targetCpu()));
                if (changesAnswered) {
                    owe(MessageType.MODIFY_CHANNEL_RESPONSE, m.relid());
                }
            }
            case RelidReleased m -> {
                opens.remove(m.relid());
                gpadls(m.relid()).keySet().forEach(this::drop);
            }
            case Unload m -> owe(MessageType.UNLOAD_RESPONSE, 0);
            default -> {
                // Nothing that outlives its host.
            }
        }
    }

    /** A host has said something. Returns whether the guest waits for it. */
    boolean answered(ControlMessage message) {
        return switch (message) {
            case GpadlCreated m -> {
                if (m.status() != ControlMessage.STATUS_SUCCESS) {
                    drop(m.gpadl());
                }
                yield owed.remove(new Answer(m.type(), m.gpadl()));
            }
            case GpadlTorndown m -> {
                drop(m.gpadl());
                yield owed.remove(new Answer(m.type(), m.gpadl()));
            }
            case OpenChannelResult m -> {
                if (m.status() != ControlMessage.STATUS_SUCCESS) {
                    opens.remove(m.relid());
                }
                yield owed.remove(new Answer(m.type(), m.relid()));
            }
            case ModifyChannelResponse m -> owed.remove(new Answer(m.type(), m.relid()));
            default -> owed.remove(new Answer(message.type(), 0));
        };
    }

    /**
     * What can be answered although there is no host: memory given back, a channel's other
     * processor, and the end of everything. To be posted to the guest.
     */
    List<byte[]> answersWithoutHost() {
        List<byte[]> answers = new ArrayList<>();
        for (Answer answer : List.copyOf(owed)) {
            ControlMessage message =
                    switch (answer.type()) {
                        case GPADL_TORNDOWN -> new GpadlTorndown(answer.key());
                        case UNLOAD_RESPONSE -> new UnloadResponse();
                        case MODIFY_CHANNEL_RESPONSE ->
                                new ModifyChannelResponse(
                                        answer.key(), ControlMessage.STATUS_SUCCESS);
                        default -> null;
                    };
            if (message != null) {
                answered(message);
                answers.add(message.toBytes());
            }
        }
        return answers;
    }

    /** Whether everything that holds is here. */
    boolean isComplete() {
        return !overflown;
    }

    /** How contact was made; null if it was not. */
    @Nullable Said contact() {
        return contact;
    }

    @Nullable Said offersRequest() {
        return offersRequest;
    }

    /** The GPADLs of a channel, each in the messages that made it. */
    Map<Integer, List<Said>> gpadls(int relid) {
        Map<Integer, List<Said>> found = new TreeMap<>();
        gpadls.forEach((handle, handed) -> {
            if (handed.relid == relid) {
                found.put(handle, handed.said);
            }
        });
        return found;
    }

    /** How a channel would be opened as it is now; null if it is not open. */
    @Nullable Said open(int relid) {
        return opens.get(relid);
    }

    private void add(int gpadl, Said what) {
        Handed handed = gpadls.get(gpadl);
        if (handed != null) {
            bytes += what.message.length;
            handed.said.add(what);
        }
    }

    private void drop(int gpadl) {
        Handed handed = gpadls.remove(gpadl);
        if (handed != null) {
            handed.said.forEach(part -> bytes -= part.message.length);
        }
    }

    private void owe(MessageType type, int key) {
        owed.add(new Answer(type, key));
    }

    /** An open as if it had asked for that processor. */
    private static Said retarget(Said open, int targetCpu) {
        byte[] bytes = open.message;
        if (ControlMessage.decode(MemorySegment.ofArray(bytes), 0, bytes.length)
                instanceof OpenChannel m) {
            return new Said(
                    open.connectionId,
                    new OpenChannel(
                                    m.relid(),
                                    m.openId(),
                                    m.gpadl(),
                                    targetCpu,
                                    m.downstreamPageOffset(),
                                    m.userData())
                            .toBytes());
        }
        return open;
    }

    private void forget() {
        contact = null;
        offersRequest = null;
        gpadls.clear();
        opens.clear();
        owed.clear();
        bytes = 0;
        overflown = false;
    }

    private static List<Said> list() {
        return new ArrayList<>();
    }
}
