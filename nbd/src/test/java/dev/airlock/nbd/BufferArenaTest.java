package dev.airlock.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BufferArenaTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 64;
    private static final long GPA = 0x10000;

    private record Buffer(long gpa, long bytes) {}

    @Test
    void shouldHandOutNoPageTwiceAndTakeEachBack() {
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        BufferArena arena = new BufferArena(GPA, PAGES * PAGE, 32);
        boolean[] used = new boolean[PAGES];
        List<Buffer> buffers = new ArrayList<>();
        long touched = 0;
        for (int i = 0; i < 20_000; i++) {
            if (buffers.size() < 32 && random.nextBoolean()) {
                long bytes = 1 + random.nextInt(10 * PAGE);
                long gpa = arena.allocate(bytes);
                if (gpa != BufferArena.NONE) {
                    mark(used, gpa, bytes, true);
                    touched = Math.max(touched, gpa - GPA + (bytes + PAGE - 1) / PAGE * PAGE);
                    buffers.add(new Buffer(gpa, bytes));
                }
            } else if (!buffers.isEmpty()) {
                Buffer buffer = buffers.remove(random.nextInt(buffers.size()));
                mark(used, buffer.gpa(), buffer.bytes(), false);
                arena.free(buffer.gpa(), buffer.bytes());
            }
        }
        buffers.forEach(buffer -> arena.free(buffer.gpa(), buffer.bytes()));
        assertThat(arena.used()).isZero();
        assertThat(arena.touched()).isEqualTo(touched);
        assertThat(arena.allocate((long) PAGES * PAGE)).isEqualTo(GPA);
        assertThat(arena.allocate(1)).isEqualTo(BufferArena.NONE);
    }

    private static void mark(boolean[] used, long gpa, long bytes, boolean taken) {
        int first = (int) ((gpa - GPA) / PAGE);
        int end = first + (int) ((bytes + PAGE - 1) / PAGE);
        for (int page = first; page < end; page++) {
            assertThat(used[page]).as("page %d", page).isEqualTo(!taken);
            used[page] = taken;
        }
    }
}
