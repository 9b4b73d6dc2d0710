package dev.airlock.lab.mapping;

import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.storvsc.CommandResult;
import dev.airlock.storvsc.DataDirection;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.ScsiRequest;
import dev.airlock.storvsc.StorvscAdapter;
import dev.airlock.storvsc.SubmitResult;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Finds the largest I/O that goes through in one command, by sending commands of more and fewer
 * pages past the block layer, which would split them.
 */
final class LargestCommand {
    /** More than a packet can name in a ring of the usual size. */
    private static final int MOST_BYTES = 4 << 20;

    private static final long END_SECONDS = 30;

    private final LabGuest guest;
    private final boolean write;

    private LargestCommand(LabGuest guest, boolean write) {
        this.guest = guest;
        this.write = write;
    }

    /** Bytes of the largest, in whole pages; 0 when not even one page goes through. */
    static int find(LabGuest guest, Layout layout, boolean write) throws IOException {
        LargestCommand search = new LargestCommand(guest, write);
        int fits = 0;
        int fails = MOST_BYTES / HvPage.SIZE + 1;
        while (fails - fits > 1) {
            int pages = (fits + fails) >>> 1;
            if (search.goesThrough(layout, pages * HvPage.SIZE)) {
                fits = pages;
            } else {
                fails = pages;
            }
        }
        return fits * HvPage.SIZE;
    }

    private boolean goesThrough(Layout layout, int bytes) throws IOException {
        Scatterlist buffer = guest.buffers(layout, bytes, 1).getFirst();
        LunFacts facts = guest.disk().facts();
        ScsiRequest request = new ScsiRequest(buffer.entries());
        CountDownLatch ended = new CountDownLatch(1);
        request.onCompletion(done -> ended.countDown())
                .prepare(
                        facts.address(),
                        write ? DataDirection.TO_DEVICE : DataDirection.FROM_DEVICE);
        Cdb.encode(
                request.cdb(),
                0,
                write ? ScsiCommand.WRITE_10 : ScsiCommand.READ_10,
                0,
                bytes / facts.sectorBytes());
        request.cdbLength(Cdb.lengthOf(ScsiCommand.READ_10.opcode()));
        for (int entry = 0; entry < buffer.entries(); entry++) {
            request.addData(buffer.gpa(entry), buffer.bytes(entry));
        }
        StorvscAdapter adapter = guest.guest().adapter();
        // Nothing else is in flight: busy means that there will never be room.
        if (adapter.submit(request) != SubmitResult.ACCEPTED) {
            return false;
        }
        try {
            if (!ended.await(END_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("a command did not end: bytes=" + bytes);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        return CommandResult.isGood(request);
    }
}
