package dev.airlock.vmm.hyperv;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.vmm.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HypercallsTest {
    private static final long INPUT = 0x4000;
    private static final long FAST = 1 << 16;

    private final MachineMemory memory;
    private final MemorySegment ram;
    private final List<String> sent = new ArrayList<>();
    private final Hypercalls hypercalls;
    private boolean mayChange = true;

    HypercallsTest() throws IOException {
        memory = MachineMemory.unattached(1L << 20, 38);
        ram = Objects.requireNonNull(memory.base(0));
        Hypercalls.Connections connections =
                new Hypercalls.Connections() {
                    @Override
                    public int post(int connectionId, MemorySegment message) {
                        sent.add("post " + connectionId + " " + message.byteSize());
                        return Hypercalls.SUCCESS;
                    }

                    @Override
                    public int signal(int connectionId) {
                        sent.add("signal " + connectionId);
                        return connectionId == 9
                                ? Hypercalls.SUCCESS
                                : Hypercalls.INVALID_CONNECTION_ID;
                    }
                };
        hypercalls = new Hypercalls(memory, connections, (pfn, show) -> mayChange);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void shouldPostAMessageOfTheSizeItSays() throws IOException {
        ram.set(JAVA_INT, INPUT, 4);
        ram.set(JAVA_INT, INPUT + 8, 1);
        ram.set(JAVA_INT, INPUT + 12, 40);
        assertThat(hypercalls.call(Hypercalls.POST_MESSAGE, INPUT)).isZero();
        assertThat(sent).containsExactly("post 4 40");
    }

    @Test
    void shouldRefuseAMessageThatIsTooLongMisalignedOrNowhere() throws IOException {
        ram.set(JAVA_INT, INPUT + 12, 241);
        assertThat(hypercalls.call(Hypercalls.POST_MESSAGE, INPUT)).isEqualTo(5);
        ram.set(JAVA_INT, INPUT + 12, -1);
        assertThat(hypercalls.call(Hypercalls.POST_MESSAGE, INPUT)).isEqualTo(5);
        assertThat(hypercalls.call(Hypercalls.POST_MESSAGE, INPUT + 4)).isEqualTo(4);
        assertThat(hypercalls.call(Hypercalls.POST_MESSAGE, INPUT + 0xF08)).isEqualTo(5);
        assertThat(hypercalls.call(Hypercalls.POST_MESSAGE, 1L << 40)).isEqualTo(5);
        assertThat(hypercalls.call(Hypercalls.POST_MESSAGE | FAST, INPUT)).isEqualTo(3);
        assertThat(sent).isEmpty();
    }

    @Test
    void shouldSignalByRegisterAndByMemory() throws IOException {
        ram.set(JAVA_INT, INPUT, 9);
        assertThat(hypercalls.call(Hypercalls.SIGNAL_EVENT | FAST, 9)).isZero();
        assertThat(hypercalls.call(Hypercalls.SIGNAL_EVENT, INPUT)).isZero();
        assertThat(hypercalls.call(Hypercalls.SIGNAL_EVENT | FAST, 8)).isEqualTo(0x12);
        assertThat(hypercalls.signal(9)).isZero();
        assertThat(sent).containsExactly("signal 9", "signal 9", "signal 8", "signal 9");
        assertThat(hypercalls.counts()).containsEntry(Hypercalls.SIGNAL_EVENT, 4L);
    }

    @Test
    void shouldShowAndTakeBackTheListedPages() throws IOException {
        long[] pfns = {7, 8, 9, 20};
        assertThat(visibility(3, pfns)).isEqualTo(4L << 32);
        assertThat(memory.visibility().now()).isEqualTo(4);
        assertThat(visibility(0, 8, 20)).isEqualTo(2L << 32);
        assertThat(memory.visibility().now()).isEqualTo(2);
    }

    @Test
    void shouldSayHowManyWereDoneBeforeOneThatCannotBe() throws IOException {
        assertThat(visibility(3, 7, 8, 1L << 40, 9)).isEqualTo(5 | 2L << 32);
        assertThat(memory.visibility().now()).isEqualTo(2);
        assertThat(visibility(1, 7)).as("readable only").isEqualTo(5);
        mayChange = false;
        assertThat(visibility(0, 7)).isEqualTo(5);
        assertThat(memory.visibility().now()).isEqualTo(2);
    }

    @Test
    void shouldRefuseListsThatDoNotFitTheirPage() throws IOException {
        assertThat(hypercalls.call(Hypercalls.MODIFY_HOST_VISIBILITY, INPUT)).isEqualTo(3);
        long tooMany = Hypercalls.MODIFY_HOST_VISIBILITY | 511L << 32;
        assertThat(hypercalls.call(tooMany, INPUT)).isEqualTo(3);
        long beyond = Hypercalls.MODIFY_HOST_VISIBILITY | 4L << 32 | 4L << 48;
        assertThat(hypercalls.call(beyond, INPUT)).isEqualTo(3);
    }

    @Test
    void shouldAnswerUnknownCallsAsHyperVDoes() throws IOException {
        assertThat(hypercalls.call(0x50, INPUT)).isEqualTo(2);
        assertThat(hypercalls.call(0x8001 | FAST, 0)).isEqualTo(2);
    }

    @Test
    void shouldFillAPageWhoseBranchesEndWhereInstructionsBegin() {
        HypercallPage.write(ram, INPUT);
        int branch = 10;
        assertThat(ram.get(JAVA_BYTE, INPUT + branch)).isEqualTo((byte) 0x75);
        long target = INPUT + branch + 2 + ram.get(JAVA_BYTE, INPUT + branch + 1);
        assertThat(ram.get(JAVA_BYTE, target)).as("out").isEqualTo((byte) 0xE7);
        assertThat(ram.get(JAVA_BYTE, target + 1)).isEqualTo((byte) HypercallPorts.CALL);
        assertThat(ram.get(JAVA_BYTE, target - 1)).as("ret").isEqualTo((byte) 0xC3);
        assertThat(ram.get(JAVA_BYTE, INPUT + 6)).isEqualTo((byte) 0x5D);
        assertThat(ram.get(JAVA_BYTE, INPUT + 8)).isEqualTo((byte) 1);
    }

    private long visibility(int visibility, long... pfns) throws IOException {
        ram.set(JAVA_LONG, INPUT, -1);
        ram.set(JAVA_INT, INPUT + 8, visibility);
        for (int i = 0; i < pfns.length; i++) {
            ram.set(JAVA_LONG, INPUT + 16 + 8L * i, pfns[i]);
        }
        return hypercalls.call(Hypercalls.MODIFY_HOST_VISIBILITY | (long) pfns.length << 32, INPUT);
    }
}
