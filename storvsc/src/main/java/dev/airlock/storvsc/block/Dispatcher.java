package dev.airlock.storvsc.block;

import dev.airlock.memory.HvPage;
import dev.airlock.storvsc.StorvscAdapter;
import dev.airlock.storvsc.StorvscChannel;
import dev.airlock.storvsc.SubmitResult;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Turns block requests into commands and sees each to its end. Of a request, one thread at a time
 * issues commands, while others end those that were issued; whoever releases the last one ends the
 * request. What is busy waits in a queue, which every ended command and every tick of the adapter
 * tries again. Thread-safe.
 */
final class Dispatcher {
    private final BlockDevice device;
    private final StorvscAdapter adapter;
    private final @Nullable StorvscChannel channel;
    private final DiskCommands commands;
    private final TransferPool pool;
    private final RetryPolicy policy;
    private final WaitQueue queue = new WaitQueue();
    private final AtomicBoolean draining = new AtomicBoolean();
    private volatile boolean drainAgain;
    private volatile boolean zeroesAsData;

    /**
     * @param channel the only one to use; null for that of the CPU
     */
    Dispatcher(
            BlockDevice device,
            StorvscAdapter adapter,
            @Nullable StorvscChannel channel,
            int queueDepth)
            throws IOException {
        this.device = device;
        this.adapter = adapter;
        this.channel = channel;
        this.commands = new DiskCommands(adapter.guestMemory(), adapter.maxTransferBytes());
        this.pool = new TransferPool(this, adapter, queueDepth);
        this.policy = new RetryPolicy(adapter);
    }

    /** Largest request that is one command. */
    int maxTransferBytes() {
        return commands.maxTransferBytes(device.facts());
    }

    /**
     * Takes a request that was checked.
     *
     * @param publish false leaves it to {@link #publish} to show its commands to the host
     */
    void accept(BlockRequest request, boolean publish) {
        if (request.operation() == BlockOperation.WRITE_ZEROES && zeroesAsData) {
            request.beginPhase(BlockRequest.Phase.ZEROES_AS_DATA);
        }
        start(request, publish);
    }

    /** Shows the host what was accepted. */
    void publish() {
        StorvscChannel only = channel;
        if (only != null) {
            only.publish();
        } else {
            adapter.publish();
        }
    }

    /** A command has ended. */
    void ended(Transfer transfer) {
        BlockRequest request = transfer.owner();
        switch (policy.judge(transfer, request)) {
            case DONE -> endTransfer(transfer, request);
            case RETRY_NOW -> resubmit(transfer);
            case RETRY_LATER -> {
                queue.addDelayed(transfer);
                adapter.wakeSoon();
            }
        }
        drain();
    }

    /** Whether anything waits to be tried again. */
    boolean isWaiting() {
        return !queue.isEmpty();
    }

    /** Whether anything is under way. */
    boolean isIdle() {
        return pool.inUse() == 0 && queue.isEmpty();
    }

    /** Tries again what waits, also what the host was too busy for. */
    void retry() {
        if (!queue.isEmpty()) {
            queue.readmit();
            drain();
        }
    }

    /** Gives the memory back; nothing may be under way. */
    void close() {
        pool.close();
    }

    /** Issues what can be issued now; the rest waits behind what waits already. */
    private void start(BlockRequest request, boolean publish) {
        if (queue.isEmpty() && issue(request, publish)) {
            releaseRequest(request);
            return;
        }
        queue.addLast(request);
        adapter.wakeSoon();
        drain();
    }

    /**
     * Issues the commands of a request until there are none left.
     *
     * @return false when something was busy first; call again later
     */
    private boolean issue(BlockRequest request, boolean publish) {
        boolean all = true;
        int queued = 0;
        while (!isIssued(request) && all) {
            Transfer transfer = pool.take(request);
            if (transfer == null) {
                all = false;
            } else {
                all = issueNext(request, transfer);
                queued++;
            }
        }
        if (queued > 0 && (publish || !all)) {
            publish();
        }
        return all;
    }

    private static boolean isIssued(BlockRequest request) {
        if (request.hasFailed()) {
            return true;
        }
        boolean isOne =
                request.operation().isOneCommand() || request.phase() == BlockRequest.Phase.FLUSH;
        return isOne ? request.issued() > 0 : request.issued() == request.length();
    }

    /** Queues the next command; false when it had to be put by. */
    private boolean issueNext(BlockRequest request, Transfer transfer) {
        long bytes = commands.prepareNext(request, transfer, device.facts(), pool.zeroPageGpa());
        if (bytes == DiskCommands.BAD_LAYOUT) {
            request.fail(BlockStatus.BAD_LAYOUT);
            pool.giveBack(transfer);
            return true;
        }
        request.retain();
        request.addIssued(bytes);
        SubmitResult result = enqueue(transfer);
        if (result == SubmitResult.TOO_LARGE && canShrink(transfer)) {
            commands.tooLarge(transfer.command().dataBytes());
            request.cursor().rewind();
            request.addIssued(-bytes);
            pool.giveBack(transfer);
            request.release();
            return true;
        }
        return place(transfer, request, result);
    }

    /** Whether smaller commands are possible. */
    private boolean canShrink(Transfer transfer) {
        return transfer.command().dataBytes() > Math.max(HvPage.SIZE, device.facts().sectorBytes());
    }

    /** Deals with what became of a command; false when it has to wait. */
    private boolean place(Transfer transfer, BlockRequest request, SubmitResult result) {
        switch (result) {
            case ACCEPTED -> {
                return true;
            }
            case BUSY -> {
                queue.addRetry(transfer);
                adapter.wakeSoon();
                return false;
            }
            case CLOSED -> request.fail(BlockStatus.GONE);
            // Too large only when not even one page can be bounced.
            case TOO_LARGE -> request.fail(BlockStatus.IO_ERROR);
            case BAD_LAYOUT -> request.fail(BlockStatus.BAD_LAYOUT);
        }
        endTransfer(transfer, request);
        return true;
    }

    private void resubmit(Transfer transfer) {
        // As in drainRetries: asked before it can have ended.
        BlockRequest owner = transfer.owner();
        StorvscChannel only = channel;
        SubmitResult result =
                only != null ? only.submit(transfer.command()) : adapter.submit(transfer.command());
        place(transfer, owner, result);
    }

    private SubmitResult enqueue(Transfer transfer) {
        StorvscChannel only = channel;
        return only != null
                ? only.enqueue(transfer.command())
                : adapter.enqueue(transfer.command());
    }

    private void endTransfer(Transfer transfer, BlockRequest request) {
        pool.giveBack(transfer);
        releaseRequest(request);
    }

    /** A command has ended, or the issuer is done; the last one ends the request. */
    private void releaseRequest(BlockRequest request) {
        if (!request.release()) {
            return;
        }
        boolean isMain = request.phase() == BlockRequest.Phase.MAIN;
        if (isMain
                && request.operation() == BlockOperation.WRITE_ZEROES
                && request.failure() == BlockStatus.UNSUPPORTED) {
            zeroesAsData = true;
            request.forgetFailure();
            request.beginPhase(BlockRequest.Phase.ZEROES_AS_DATA);
            start(request, true);
        } else if (isMain
                && request.isForceUnitAccess()
                && !request.hasFailed()
                && !device.facts().fua()) {
            request.beginPhase(BlockRequest.Phase.FLUSH);
            start(request, true);
        } else {
            request.finish();
        }
    }

    /**
     * Tries again what waits, as far as it goes. Whoever comes while another is at it leaves word.
     */
    private void drain() {
        while (!queue.isEmpty()) {
            if (!draining.compareAndSet(false, true)) {
                drainAgain = true;
                // Store-load: whoever drains lets go first and then looks for our word.
                if (draining.get()) {
                    return;
                }
                continue;
            }
            drainAgain = false;
            try {
                drainRetries();
            } finally {
                draining.set(false);
            }
            if (!drainAgain) {
                return;
            }
        }
    }

    private void drainRetries() {
        Transfer transfer = queue.takeRetry();
        boolean any = transfer != null;
        while (transfer != null) {
            // Asked now: once accepted, the command may have ended before this thread goes on.
            BlockRequest owner = transfer.owner();
            SubmitResult result = enqueue(transfer);
            if (result == SubmitResult.BUSY) {
                queue.addRetryFirst(transfer);
                publish();
                return;
            }
            place(transfer, owner, result);
            transfer = queue.takeRetry();
        }
        if (any) {
            publish();
        }
        drainRequests();
    }

    private void drainRequests() {
        BlockRequest request = queue.takeRequest();
        while (request != null) {
            if (!issue(request, true)) {
                queue.addFirst(request);
                return;
            }
            releaseRequest(request);
            request = queue.takeRequest();
        }
    }
}
