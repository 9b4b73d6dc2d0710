package dev.airlock.lab.trace;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the guest has asked for and the host not yet answered, since a completion does not say what
 * it completes. Ids may be in use on several channels at once (the packets that initialise one
 * always have the same); those are taken in order. Bounded; the oldest are forgotten. For one
 * thread.
 */
final class Requests {
    /** More than any recording's queues: the most tags Linux gives all channels of one adapter. */
    private static final int MAX_IDS = 1 << 16;

    private static final int MAX_PER_ID = 256;

    /**
     * A request.
     *
     * @param operation its vstor operation
     * @param command its SCSI command by name; null for what is no SRB
     * @param opcode first byte of the CDB; {@link #NO_OPCODE} for what has none
     * @param transferBytes what an SRB asked for
     */
    record Request(int operation, @Nullable String command, int opcode, long transferBytes) {}

    /** {@link Request#opcode} of what has no CDB. */
    static final int NO_OPCODE = -1;

    private final Map<Long, ArrayDeque<Request>> byId = new LinkedHashMap<>();

    void sent(long id, Request request) {
        ArrayDeque<Request> queue = byId.computeIfAbsent(id, unused -> new ArrayDeque<>(2));
        queue.add(request);
        if (queue.size() > MAX_PER_ID) {
            queue.remove();
        }
        if (byId.size() > MAX_IDS) {
            Iterator<Long> eldest = byId.keySet().iterator();
            eldest.next();
            eldest.remove();
        }
    }

    /** Takes the request that a completion with this id answers; null when it is not known. */
    @Nullable Request completed(long id) {
        ArrayDeque<Request> queue = byId.get(id);
        if (queue == null) {
            return null;
        }
        Request request = queue.remove();
        if (queue.isEmpty()) {
            byId.remove(id);
        }
        return request;
    }
}
