package dev.airlock.storvsc;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.Scatterlist;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorSrb;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Every way a command of one channel can end: answered, timed out, reset, channel closed. Each
 * unmaps exactly once and frees the tag exactly once, whoever comes first ({@link
 * CommandTable#take}). A tag is free before its caller is told, so that the caller can submit again
 * at any queue depth.
 */
final class CommandEnd {
    private final CommandTable table;
    private final IoMapping mapping;
    private final ChannelCounters counters;

    CommandEnd(CommandTable table, IoMapping mapping, ChannelCounters counters) {
        this.table = table;
        this.mapping = mapping;
        this.counters = counters;
    }

    /**
     * The host says that it has ended a command.
     *
     * @param packet private copy
     * @param at where the vstor packet begins; whole, and a COMPLETE_IO
     */
    void answered(long id, int channel, MemorySegment packet, long at) {
        int tag = TransactionId.tag(id, channel);
        int generation = TransactionId.generation(id);
        if (tag < 0 || tag >= table.size()) {
            counters.unknownIds.increment();
        } else if (table.take(tag, generation, CommandTable.IN_FLIGHT)) {
            counters.answered.increment();
            finishAnswered(tag, packet, at);
        } else if (table.take(tag, generation, CommandTable.HELD)) {
            counters.lateAnswers.increment();
            finishAnswered(tag, packet, at);
        } else if (table.take(tag, generation, CommandTable.QUARANTINED)) {
            counters.lateAnswers.increment();
            releaseQuarantined(tag);
        } else {
            counters.staleAnswers.increment();
        }
    }

    /**
     * Times out what is past its deadline. A command whose data is in bounce slots, or that has
     * none, ends for its caller here and now; one whose caller's memory the host can reach is HELD.
     *
     * @return number of commands that timed out
     */
    int expire(long nowNanos) {
        int expired = 0;
        for (int tag = table.nextInUse(0); tag >= 0; tag = table.nextInUse(tag + 1)) {
            int generation = table.generation(tag);
            if (table.state(tag) == CommandTable.IN_FLIGHT
                    && table.deadlineNanos(tag) - nowNanos <= 0
                    && table.take(tag, generation, CommandTable.IN_FLIGHT)) {
                counters.timeouts.increment();
                expired++;
                leaveToHost(tag, Outcome.TIMED_OUT);
            }
        }
        return expired;
    }

    /**
     * The channel is at its end, but the host may still be at work: ends for their callers all
     * commands that do not expose their callers' memory, and holds the others.
     */
    void abandon() {
        for (int tag = table.nextInUse(0); tag >= 0; tag = table.nextInUse(tag + 1)) {
            if (table.take(tag, table.generation(tag), CommandTable.IN_FLIGHT)) {
                leaveToHost(tag, Outcome.CHANNEL_CLOSED);
            }
        }
    }

    /**
     * The host has ended, by a reset, every command to these addresses that was sent before it:
     * frees the quarantined ones, and tells the callers of the held ones that they timed out.
     *
     * @param address as {@link CommandTable#address}
     * @param addressMask bits of the address that count
     * @param resetEpoch commands of an earlier epoch are concerned
     */
    void releaseExpired(int address, int addressMask, int resetEpoch) {
        for (int tag = table.nextInUse(0); tag >= 0; tag = table.nextInUse(tag + 1)) {
            int generation = table.generation(tag);
            int state = table.state(tag);
            if ((state == CommandTable.HELD || state == CommandTable.QUARANTINED)
                    && ((table.address(tag) ^ address) & addressMask) == 0
                    && table.resetEpoch(tag) - resetEpoch < 0) {
                release(tag, generation, Outcome.TIMED_OUT);
            }
        }
    }

    /**
     * The host may be at work for ever: tells the callers that were held until now, since nothing
     * is to hang. Their memory stays exposed.
     */
    void releaseHeld() {
        for (int tag = table.nextInUse(0); tag >= 0; tag = table.nextInUse(tag + 1)) {
            if (table.take(tag, table.generation(tag), CommandTable.HELD)) {
                finishUnanswered(tag, Outcome.CHANNEL_CLOSED);
            }
        }
    }

    /**
     * The host cannot reach any memory any more: frees everything and tells whoever still waits.
     */
    void releaseAll() {
        for (int tag = table.nextInUse(0); tag >= 0; tag = table.nextInUse(tag + 1)) {
            int generation = table.generation(tag);
            if (table.take(tag, generation, CommandTable.IN_FLIGHT)) {
                finishUnanswered(tag, Outcome.CHANNEL_CLOSED);
            } else {
                release(tag, generation, Outcome.CHANNEL_CLOSED);
            }
        }
    }

    /** The address of a command that timed out and still waits for the host; -1 for none. */
    int expiredAddress() {
        for (int tag = table.nextInUse(0); tag >= 0; tag = table.nextInUse(tag + 1)) {
            int state = table.state(tag);
            if (state == CommandTable.HELD || state == CommandTable.QUARANTINED) {
                return table.address(tag);
            }
        }
        return -1;
    }

    /** Unmaps what is mapped without touching the caller's memory; before the tag is free. */
    void unmapUntouched(int tag, DataDirection direction, Scatterlist data) {
        if (table.isMapped(tag)) {
            mapping.unmap(tag, data, direction.dma(), DmaAttributes.SKIP_CPU_SYNC);
        }
    }

    private void finishAnswered(int tag, MemorySegment packet, long at) {
        ScsiRequest request = table.request(tag);
        readAnswer(request, packet, at);
        if (table.isMapped(tag)) {
            unmapAnswered(tag, request);
        }
        table.free(tag);
        request.finish();
    }

    /** What the host did not write into slots that were not filled before is not handed out. */
    private void unmapAnswered(int tag, ScsiRequest request) {
        int attributes = request.mappingAttributes();
        if ((attributes & DmaAttributes.OVERWRITE) != 0
                && mapping.honoursOverwrite()
                && request.transferredBytes() < request.dataBytes()) {
            mapping.syncForCpu(
                    tag, request.data(), request.transferredBytes(), request.direction().dma());
            attributes |= DmaAttributes.SKIP_CPU_SYNC;
        }
        mapping.unmap(tag, request.data(), request.direction().dma(), attributes);
    }

    /** Linux {@code storvsc_on_io_completion} and {@code storvsc_command_completion}. */
    private void readAnswer(ScsiRequest request, MemorySegment packet, long at) {
        int srbStatus = VstorSrb.srbStatus(packet, at);
        int scsiStatus = VstorSrb.scsiStatus(packet, at);
        int senseLength = 0;
        if (scsiStatus == ScsiStatus.CHECK_CONDITION
                && (srbStatus & SrbStatus.AUTOSENSE_VALID) != 0) {
            senseLength = VstorSrb.senseLength(packet, at);
            if (senseLength > VstorSrb.SENSE_BYTES) {
                counters.excessiveLengths.increment();
                senseLength = VstorSrb.SENSE_BYTES;
            }
            MemorySegment.copy(packet, at + VstorSrb.SENSE_OFFSET, request.sense(), 0, senseLength);
        }
        int code = SrbStatus.code(srbStatus);
        long transferred =
                code == SrbStatus.SUCCESS || code == SrbStatus.DATA_OVERRUN
                        ? VstorSrb.dataTransferLength(packet, at)
                        : 0;
        if (transferred > request.dataBytes()) {
            counters.excessiveLengths.increment();
            transferred = request.dataBytes();
        }
        request.answer(srbStatus, scsiStatus, senseLength, (int) transferred);
    }

    /** This thread has taken the command from IN_FLIGHT. */
    private void leaveToHost(int tag, Outcome outcome) {
        ScsiRequest request = table.request(tag);
        Scatterlist list = null;
        if (table.isMapped(tag)) {
            if (mapping.exposesCaller(tag, request.data())) {
                table.park(tag, CommandTable.HELD, null);
                return;
            }
            list = request.detachData();
            counters.slotsQuarantined.add(mapping.slotsHeld(tag, list));
        }
        table.park(tag, CommandTable.QUARANTINED, list);
        request.fail(outcome);
        request.finish();
    }

    private void release(int tag, int generation, Outcome outcome) {
        if (table.take(tag, generation, CommandTable.HELD)) {
            finishUnanswered(tag, outcome);
        } else if (table.take(tag, generation, CommandTable.QUARANTINED)) {
            releaseQuarantined(tag);
        }
    }

    private void finishUnanswered(int tag, Outcome outcome) {
        ScsiRequest request = table.request(tag);
        unmapUntouched(tag, request.direction(), request.data());
        table.free(tag);
        request.fail(outcome);
        request.finish();
    }

    private void releaseQuarantined(int tag) {
        @Nullable Scatterlist list = table.quarantinedList(tag);
        if (list != null) {
            counters.slotsQuarantined.add(-mapping.slotsHeld(tag, list));
            // No sync: the caller has had its memory back since the time-out.
            unmapUntouched(tag, table.direction(tag), list);
        }
        table.free(tag);
    }
}
