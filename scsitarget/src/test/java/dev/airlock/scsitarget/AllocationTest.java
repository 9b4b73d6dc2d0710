package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.VstorSrb;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The hot commands allocate nothing once their code is compiled. */
class AllocationTest {

    private static final int COMMANDS_PER_WINDOW = 20_000;
    private static final int WINDOWS_MAX = 100;

    private final TestGuest guest = TestGuest.withBlocks(512, 4096);
    private final ItlNexus itl = guest.itl();

    @ParameterizedTest
    @EnumSource(
            value = ScsiCommand.class,
            names = {
                "READ_6",
                "READ_10",
                "READ_16",
                "WRITE_6",
                "WRITE_10",
                "WRITE_16",
                "SYNCHRONIZE_CACHE_10",
                "TEST_UNIT_READY",
                "VERIFY_10",
                "INQUIRY",
                "REPORT_LUNS",
                "READ_CAPACITY_16"
            })
    void shouldAllocateNothingPerCommand(ScsiCommand command) throws Throwable {
        int blocks = command.counts() == ScsiCommand.Count.BLOCKS ? 8 : 64;
        guest.command(
                command,
                command == ScsiCommand.READ_CAPACITY_16 ? 0 : command.hasLba() ? 100 : 0,
                command.counts() == ScsiCommand.Count.NONE ? 0 : blocks);
        if (command == ScsiCommand.VERIFY_10) {
            guest.bits(1, 2);
        }
        boolean write = command.text().startsWith("WRITE") || command == ScsiCommand.VERIFY_10;
        // One buffer that fits and one that has to be cut.
        int direction = write ? VstorSrb.DIRECTION_OUT : VstorSrb.DIRECTION_IN;
        for (int bytes : new int[] {4096, 5000}) {
            guest.buffer(bytes);
            MethodHandle allocated = allocatedBytes();
            long least = Long.MAX_VALUE;
            for (int window = 0; window < WINDOWS_MAX && least >= COMMANDS_PER_WINDOW; window++) {
                long before = (long) allocated.invokeExact();
                for (int i = 0; i < COMMANDS_PER_WINDOW / 2; i++) {
                    itl.execute(guest.cdb(), 0, Cdb.BYTES, direction, guest.data(), guest.task);
                    itl.tryExecute(guest.cdb(), 0, Cdb.BYTES, direction, guest.data(), guest.task);
                }
                least = Math.min(least, (long) allocated.invokeExact() - before);
            }
            assertThat(guest.task.scsiStatus()).isEqualTo(ScsiStatus.GOOD);
            assertThat(least)
                    .as("bytes of %d commands", COMMANDS_PER_WINDOW)
                    .isLessThan(COMMANDS_PER_WINDOW);
        }
    }

    /**
     * Bytes that this thread has allocated; by reflection, since the module needs java.management
     * for nothing else.
     */
    private static MethodHandle allocatedBytes() throws ReflectiveOperationException {
        ClassLoader loader = ClassLoader.getSystemClassLoader();
        Object threads =
                loader.loadClass("java.lang.management.ManagementFactory")
                        .getMethod("getThreadMXBean")
                        .invoke(null);
        return MethodHandles.publicLookup()
                .findVirtual(
                        loader.loadClass("com.sun.management.ThreadMXBean"),
                        "getCurrentThreadAllocatedBytes",
                        MethodType.methodType(long.class))
                .bindTo(threads);
    }
}
