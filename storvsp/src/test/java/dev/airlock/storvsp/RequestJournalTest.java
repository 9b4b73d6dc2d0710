package dev.airlock.storvsp;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.scsi.VstorOperation;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.host.HostChannel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/**
 * Hosts that are killed between any two of their steps, one after another, on the same rings: the
 * guest gets one answer to each of its requests, whoever gives it.
 */
class RequestJournalTest {
    private static final int RING_BYTES = 4096 + 4096;
    private static final int CONTEXTS = 16;
    private static final int BATCH = 8;
    private static final int PACKET_BYTES = 32;
    private static final long SEED = 20_261_123;

    private final Arena arena = Arena.ofAuto();
    private final MemorySegment toHost = arena.allocate(RING_BYTES, 4096);
    private final MemorySegment toGuest = arena.allocate(RING_BYTES, 4096);
    private final MemorySegment journal = arena.allocate(HostChannel.JOURNAL_BYTES, 4096);
    private final RingWriter guestOut = new RingWriter(toHost);
    private final RingReader guestIn = new RingReader(toGuest);
    private final MemorySegment packet = arena.allocate(PACKET_BYTES, 8);

    /** Sent by the guest and not answered, by transaction id. */
    private final Set<Long> unanswered = new TreeSet<>();

    private long lastId;

    /** Thrown where a host dies. */
    private static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** As much of a host as the journal sees, which dies after a number of steps. */
    private final class Host {
        private final RingReader in = new RingReader(toHost);
        private final RingWriter out = new RingWriter(toGuest);
        private final RequestJournal entries;
        private final TreeMap<Integer, Long> underWay = new TreeMap<>();
        private final Random random;
        private final MemorySegment own = Arena.ofAuto().allocate(PACKET_BYTES, 8);
        private long readBytes;
        private int stepsLeft;

        Host(Random random, int steps) throws RequestJournal.UnfitException {
            this.random = random;
            stepsLeft = steps;
            entries = requireNonNull(RequestJournal.open(journal, in, out, CONTEXTS));
            readBytes = entries.readTotal();
        }

        void run() {
            for (int orphan : entries.orphans()) {
                answer(orphan, entries.transactionId(orphan));
            }
            publish();
            while (true) {
                take();
                while (!underWay.isEmpty() && random.nextInt(3) != 0) {
                    List<Integer> all = new ArrayList<>(underWay.keySet());
                    int entry = all.get(random.nextInt(all.size()));
                    answer(entry, requireNonNull(underWay.remove(entry)));
                }
                publish();
                in.consumed();
                step();
                guest(random);
            }
        }

        /** Answers everything there is. */
        void finish() {
            for (int orphan : entries.orphans()) {
                answer(orphan, entries.transactionId(orphan));
            }
            do {
                take();
                while (!underWay.isEmpty()) {
                    var next = underWay.firstEntry();
                    underWay.remove(next.getKey());
                    answer(next.getKey(), next.getValue());
                }
                publish();
                in.consumed();
            } while (in.hasData());
        }

        private void take() {
            for (int i = 0; i < BATCH && underWay.size() < CONTEXTS; i++) {
                int bytes = in.read(own, 0, PACKET_BYTES);
                if (bytes <= 0) {
                    assertThat(bytes).isZero();
                    return;
                }
                step();
                readBytes += bytes + 8;
                int entry = entries.allocate();
                long id = PacketDescriptor.transactionId(own, 0);
                boolean wanted = id % 7 != 0;
                entries.taken(entry, id, VstorOperation.EXECUTE_SRB, wanted, readBytes);
                step();
                if (wanted) {
                    underWay.put(entry, id);
                } else {
                    entries.discard(entry);
                }
                if (random.nextInt(4) == 0) {
                    in.consumed();
                    step();
                }
            }
        }

        private void answer(int entry, long id) {
            describe(own, id);
            if (!out.write(own, 0, PACKET_BYTES)) {
                publish();
                drain();
                assertThat(out.write(own, 0, PACKET_BYTES)).isTrue();
            }
            step();
            entries.wrote(PACKET_BYTES);
            entries.answered(entry);
            step();
        }

        private void publish() {
            entries.publishing();
            step();
            out.publish();
            step();
            entries.published();
            step();
        }

        private void step() {
            if (stepsLeft-- == 0) {
                throw new Killed();
            }
        }
    }

    @RepeatedTest(50)
    void shouldHaveEachRequestAnsweredOnceByOneHostOrAnother(RepetitionInfo repetition)
            throws Exception {
        long seed = SEED + repetition.getCurrentRepetition();
        Random random = new Random(seed);
        for (int hosts = 0; hosts < 200; hosts++) {
            guest(random);
            try {
                new Host(random, random.nextInt(60)).run();
            } catch (Killed e) {
                drain();
            }
        }
        // One that is let finish what there is.
        Host last = new Host(random, Integer.MAX_VALUE);
        last.finish();
        drain();
        assertThat(unanswered).as("seed=%d, of %d requests", seed, lastId).isEmpty();
        assertThat(lastId).as("seed=%d", seed).isPositive();
    }

    @Test
    void shouldKnowNothingOfANewChannel() throws Exception {
        RequestJournal fresh = open();
        assertThat(fresh.isResumed()).isFalse();
        assertThat(fresh.orphans()).isEmpty();
        assertThat(open().isResumed()).isTrue();
    }

    @Test
    void shouldKeepWhatWasNegotiated() throws Exception {
        RequestJournal first = open();
        first.negotiated(4, 0x602);
        first.subchannels(3);
        first.identity(5, 77);
        RequestJournal second = open();
        assertThat(second.negotiationState()).isEqualTo(4);
        assertThat(second.version()).isEqualTo(0x602);
        assertThat(second.subchannels()).isEqualTo(3);
        assertThat(second.identity(5)).isEqualTo(77);
        assertThat(second.identity(6)).isZero();
    }

    @Test
    void shouldRefuseWhatDoesNotFitTheRings() throws Exception {
        open();
        journal.set(ValueLayout.JAVA_LONG, 32, 8);
        journal.set(ValueLayout.JAVA_LONG, 40, 16);
        assertThatThrownBy(this::open).hasMessageContaining("write index");
        journal.set(ValueLayout.JAVA_LONG, 40, 0);
        journal.set(ValueLayout.JAVA_LONG, 48, 64);
        assertThatThrownBy(this::open).hasMessageContaining("beyond");
    }

    @Test
    void shouldOpenOrRefuseAnyNoise() {
        Random random = new Random(SEED);
        int opened = 0;
        for (int round = 0; round < 2_000; round++) {
            journal.fill((byte) 0);
            journal.set(ValueLayout.JAVA_LONG, 0, 1);
            for (int i = 0; i < 5; i++) {
                long at =
                        8L
                                * random.nextInt(
                                        random.nextBoolean() ? 90 : (int) (journal.byteSize() / 8));
                long value = random.nextBoolean() ? random.nextLong() : random.nextInt(64) * 8L;
                journal.set(ValueLayout.JAVA_LONG, at, value);
            }
            journal.set(ValueLayout.JAVA_LONG, 0, 1);
            try {
                RequestJournal any = open();
                any.orphans();
                opened++;
            } catch (RequestJournal.UnfitException e) {
                assertThat(e).hasMessageMatching("[a-z].*");
            }
        }
        assertThat(opened).isPositive();
    }

    private RequestJournal open() throws RequestJournal.UnfitException {
        return requireNonNull(
                RequestJournal.open(
                        journal, new RingReader(toHost), new RingWriter(toGuest), CONTEXTS));
    }

    /** Takes its answers and sends some more. */
    private void guest(Random random) {
        drain();
        int more = random.nextInt(BATCH);
        for (int i = 0; i < more; i++) {
            describe(packet, ++lastId);
            if (!guestOut.write(packet, 0, PACKET_BYTES)) {
                lastId--;
                break;
            }
            if (lastId % 7 != 0) {
                unanswered.add(lastId);
            }
        }
        guestOut.publish();
    }

    private void drain() {
        MemorySegment own = MemorySegment.ofArray(new long[PACKET_BYTES / 8]);
        while (guestIn.read(own, 0, PACKET_BYTES) > 0) {
            long id = PacketDescriptor.transactionId(own, 0);
            assertThat(unanswered.remove(id)).as("answer to %d, once", id).isTrue();
        }
        guestIn.consumed();
    }

    private static void describe(MemorySegment to, long id) {
        PacketDescriptor.encode(
                to,
                0,
                PacketDescriptor.TYPE_DATA_INBAND,
                PacketDescriptor.BYTES,
                PACKET_BYTES,
                PacketDescriptor.FLAG_COMPLETION_REQUESTED,
                id);
    }
}
