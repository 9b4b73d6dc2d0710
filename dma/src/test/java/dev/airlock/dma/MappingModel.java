package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What one bounced mapping must look like to both sides, kept in two arrays: what the CPU has in
 * its buffer and what the device has in its slots. Every step does the same to the memory and to
 * the arrays and compares.
 */
final class MappingModel {
    /** Bytes of the caller's memory on either side of the buffer, which nothing may change. */
    static final int GUARD = 64;

    final long gpa;
    final int bytes;
    final DmaDirection direction;
    final long dma;
    private final TestGuest guest;
    private final DmaMapper mapper;
    private final byte[] cpu;
    private final byte[] device;
    private final byte[] guardBefore;
    private final byte[] guardAfter;

    private MappingModel(
            TestGuest guest,
            DmaMapper mapper,
            long gpa,
            int bytes,
            DmaDirection direction,
            long dma,
            byte[] cpu,
            byte[] device) {
        this.guest = guest;
        this.mapper = mapper;
        this.gpa = gpa;
        this.bytes = bytes;
        this.direction = direction;
        this.dma = dma;
        this.cpu = cpu;
        this.device = device;
        guardBefore = guest.read(gpa - GUARD, GUARD);
        guardAfter = guest.read(gpa + bytes, GUARD);
    }

    /**
     * Writes random data into a buffer and maps it.
     *
     * @return null when the pool is full
     */
    static @Nullable MappingModel map(
            TestGuest guest,
            DmaMapper mapper,
            RandomGenerator random,
            long gpa,
            int bytes,
            DmaDirection direction,
            boolean overwrite) {
        byte[] cpu = new byte[bytes];
        random.nextBytes(cpu);
        guest.write(gpa, cpu);
        int attributes = overwrite ? DmaAttributes.OVERWRITE : DmaAttributes.NONE;
        long dma = mapper.mapSingle(gpa, bytes, direction, attributes);
        if (dma == DmaMapper.MAPPING_ERROR) {
            return null;
        }
        byte[] device = cpu.clone();
        if (overwrite && !direction.toDevice()) {
            random.nextBytes(device);
            guest.write(dma, device);
        }
        MappingModel model =
                new MappingModel(guest, mapper, gpa, bytes, direction, dma, cpu, device);
        model.check();
        return model;
    }

    /** The device writes somewhere in its range. */
    void deviceWrites(RandomGenerator random) {
        if (direction.fromDevice()) {
            int offset = random.nextInt(bytes);
            byte[] data = new byte[1 + random.nextInt(bytes - offset)];
            random.nextBytes(data);
            guest.write(dma + offset, data);
            System.arraycopy(data, 0, device, offset, data.length);
        }
    }

    void syncForCpu(RandomGenerator random) {
        int offset = random.nextInt(bytes);
        int count = random.nextInt(bytes - offset + 1);
        int into = random.nextInt(offset + 1);
        mapper.syncForCpu(dma + into, offset - into, count, direction);
        if (direction.fromDevice()) {
            System.arraycopy(device, offset, cpu, offset, count);
        }
    }

    /** The CPU changes a part of its buffer and gives it, or some of it, to the device. */
    void syncForDevice(RandomGenerator random) {
        int offset = random.nextInt(bytes);
        byte[] data = new byte[1 + random.nextInt(bytes - offset)];
        random.nextBytes(data);
        guest.write(gpa + offset, data);
        System.arraycopy(data, 0, cpu, offset, data.length);
        int count = random.nextInt(data.length + 1);
        mapper.syncForDevice(dma, offset, count, direction);
        if (direction.toDevice()) {
            System.arraycopy(cpu, offset, device, offset, count);
        }
    }

    void unmap(boolean skipSync) {
        check();
        int attributes = skipSync ? DmaAttributes.SKIP_CPU_SYNC : DmaAttributes.NONE;
        mapper.unmapSingle(dma, bytes, direction, attributes);
        byte[] expected = direction.fromDevice() && !skipSync ? device : cpu;
        assertThat(guest.read(gpa, bytes)).as("buffer of %s", this).isEqualTo(expected);
        checkGuards();
    }

    void check() {
        assertThat(Arrays.equals(guest.read(dma, bytes), device)).as("slots of %s", this).isTrue();
        assertThat(Arrays.equals(guest.read(gpa, bytes), cpu)).as("buffer of %s", this).isTrue();
        checkGuards();
    }

    private void checkGuards() {
        assertThat(guest.read(gpa - GUARD, GUARD)).as("before %s", this).isEqualTo(guardBefore);
        assertThat(guest.read(gpa + bytes, GUARD)).as("after %s", this).isEqualTo(guardAfter);
    }

    @Override
    public String toString() {
        return "gpa=0x%x bytes=%d %s dma=0x%x".formatted(gpa, bytes, direction, dma);
    }
}
