package dev.airlock.storvsc;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.airlock.linux.EventFd;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;

/** What a hostile host can do to a doorbell: raise it to its limit and make ringing it block. */
final class SaturatedDoorbell {
    private static final int F_SETFL = 4;
    private static final int O_RDWR = 2;

    private SaturatedDoorbell() {}

    static void make(EventFd doorbell) {
        Linker linker = Linker.nativeLinker();
        var fcntl =
                linker.downcallHandle(
                        linker.defaultLookup().findOrThrow("fcntl"),
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
                        Linker.Option.firstVariadicArg(2));
        var write =
                linker.downcallHandle(
                        linker.defaultLookup().findOrThrow("write"),
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
        doorbell.drain();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limit = arena.allocateFrom(JAVA_LONG, 0xFFFF_FFFF_FFFF_FFFEL);
            int raw = doorbell.fd().raw();
            // SAFETY: limit holds 8 bytes; the descriptor is open while the eventfd is.
            if ((long) write.invokeExact(raw, limit, 8L) != 8L
                    || (int) fcntl.invokeExact(raw, F_SETFL, O_RDWR) != 0) {
                throw new AssertionError("doorbell not saturated");
            }
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
