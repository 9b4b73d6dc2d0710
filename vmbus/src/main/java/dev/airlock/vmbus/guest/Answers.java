package dev.airlock.vmbus.guest;

import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.MessageType;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The answers that callers wait for. An answer is matched by its type and the ids in it, and taken
 * once; what matches nothing is the host's mistake. Thread-safe.
 */
final class Answers {
    private final Map<Key, CompletableFuture<ControlMessage>> waiting = new ConcurrentHashMap<>();
    private volatile @Nullable String lost;

    /** Which answer: its type and up to two of its ids, 0 where it has none. */
    record Key(MessageType type, int id, int id2) {}

    /** Sends a request. */
    interface Request {
        void send() throws IOException;
    }

    /**
     * Sends a request and waits for its answer.
     *
     * @throws IOException when it does not come in time, the bus is or gets lost, or sending fails
     */
    ControlMessage await(Key key, long timeoutMs, Request request) throws IOException {
        CompletableFuture<ControlMessage> answer = new CompletableFuture<>();
        if (waiting.putIfAbsent(key, answer) != null) {
            throw new IllegalStateException("asked already: " + key);
        }
        try {
            String reason = lost;
            if (reason != null) {
                throw new IOException("bus lost: " + reason);
            }
            request.send();
            return answer.get(timeoutMs, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IOException(
                    "host does not answer: waitedFor=%s id=%s timeoutMs=%d"
                            .formatted(key.type, Integer.toUnsignedString(key.id), timeoutMs),
                    e);
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("waitedFor=" + key.type).initCause(e);
        } finally {
            waiting.remove(key, answer);
        }
    }

    /** Hands an answer to its waiter; false when there is none. */
    boolean give(Key key, ControlMessage answer) {
        CompletableFuture<ControlMessage> waiter = waiting.remove(key);
        return waiter != null && waiter.complete(answer);
    }

    /** Fails everybody who waits or will. */
    void lose(String reason) {
        lost = reason;
        IOException e = new IOException("bus lost: " + reason);
        for (CompletableFuture<ControlMessage> waiter : waiting.values()) {
            waiter.completeExceptionally(e);
        }
    }
}
