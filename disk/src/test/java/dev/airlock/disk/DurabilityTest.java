package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.IoVector;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What was acknowledged as durable survives a loss of power at any point; what was not is old, new
 * or torn; nothing else changes. The disk is opened again from what the crash left, many times
 * over.
 */
@ParameterizedClass(name = "sector={0} direct={1}")
@CsvSource({"512,false", "512,true", "4096,false", "4096,true"})
class DurabilityTest {
    private static final int SECTORS = 24;
    private static final int CRASHES = 200;
    private static final int REQUESTS_MAX = 25;

    @Parameter(0)
    int sectorBytes;

    @Parameter(1)
    boolean direct;

    @Test
    void shouldKeepWhatWasMadeDurableThroughEveryCrash() {
        runThroughCrashes(Seed.random(), CRASHES, UnaryOperator.identity());
    }

    @Test
    @Tag("soak")
    void shouldKeepItThroughManyMoreCrashes() {
        SplittableRandom random = Seed.random();
        runThroughCrashes(random, 100 * CRASHES, UnaryOperator.identity());
        runThroughCrashes(
                random, 100 * CRASHES, file -> FlakyFile.interrupted(file, random.split()));
    }

    /** A request is then made of several calls, and the power may fail between them. */
    @Test
    void shouldKeepItAlsoWhenTransfersAreCutIntoPieces() {
        SplittableRandom random = Seed.random();
        runThroughCrashes(random, CRASHES, file -> FlakyFile.interrupted(file, random.split()));
    }

    /** Proves that the test sees a disk that acknowledges a flush without one. */
    @Test
    void shouldCatchAFileThatSkipsItsSync() {
        requireCaught(file ->
                new ForwardingFile(file) {
                    @Override
                    public void syncData() {}
                });
    }

    @Test
    void shouldCatchAFileThatForgetsForcedUnitAccess() {
        requireCaught(file ->
                new ForwardingFile(file) {
                    @Override
                    public long write(IoVector from, long offset, boolean durable) {
                        return super.write(from, offset, false);
                    }
                });
    }

    @Test
    void shouldCatchAFileThatTouchesANeighbour() {
        requireCaught(file ->
                new ForwardingFile(file) {
                    @Override
                    public void punchHole(long offset, long bytes) throws LinuxException {
                        super.punchHole(
                                offset,
                                Math.min(
                                        bytes + sectorBytes,
                                        (long) SECTORS * sectorBytes - offset));
                    }
                });
    }

    private void requireCaught(UnaryOperator<BackingFile> fault) {
        SplittableRandom random = Seed.random();
        assertThatThrownBy(() -> runThroughCrashes(random, CRASHES, fault))
                .isInstanceOf(AssertionError.class);
    }

    private void runThroughCrashes(
            SplittableRandom random, int crashes, UnaryOperator<BackingFile> wrapping) {
        byte[] image = new byte[SECTORS * sectorBytes];
        FileTraits traits = direct ? ArrayFile.direct(sectorBytes) : ArrayFile.cached();
        for (int i = 0; i < crashes; i++) {
            RecordingFile file = new RecordingFile(traits, image);
            DurabilityModel model = new DurabilityModel(image, sectorBytes);
            file.losePowerAfter(random.nextInt(REQUESTS_MAX));
            try (Disk disk = new RawDisk(wrapping.apply(file), image.length, sectorBytes, false)) {
                useUntilPowerFails(disk, model, random);
            }
            image = file.crash(random);
            model.requirePossible(image);
        }
    }

    private void useUntilPowerFails(Disk disk, DurabilityModel model, SplittableRandom random) {
        try {
            for (int i = 0; i < REQUESTS_MAX; i++) {
                request(disk, model, random);
            }
        } catch (RecordingFile.PowerLoss planned) {
            // The request under way was not acknowledged.
        } catch (DiskException e) {
            throw new AssertionError(e);
        }
    }

    private void request(Disk disk, DurabilityModel model, SplittableRandom random)
            throws DiskException {
        int sectors = random.nextInt(1, 6);
        int first = random.nextInt(SECTORS - sectors + 1);
        long offset = (long) first * sectorBytes;
        byte[] content = new byte[sectors * sectorBytes];
        switch (random.nextInt(8)) {
            case 0 -> {
                disk.flush();
                model.allDurable();
            }
            case 1 -> {
                model.changing(first, content);
                disk.unmap(offset, content.length);
            }
            case 2 -> {
                model.changing(first, content);
                disk.writeZeroes(offset, content.length, random.nextBoolean());
            }
            default -> {
                boolean fua = random.nextInt(4) == 0;
                random.nextBytes(content);
                Scatter from =
                        Scatter.random(
                                random, content.length, random.nextBoolean() ? sectorBytes : 4);
                from.set(content);
                model.changing(first, content);
                disk.write(offset, from.vector(), fua);
                if (fua) {
                    model.durable(first, sectors);
                }
            }
        }
    }

    @Test
    void shouldLoseNothingElseWhenASyncFails() throws Exception {
        SplittableRandom random = Seed.random();
        byte[] image = new byte[SECTORS * sectorBytes];
        RecordingFile file =
                new RecordingFile(
                        direct ? ArrayFile.direct(sectorBytes) : ArrayFile.cached(), image);
        FlakyFile flaky = FlakyFile.over(file);
        DurabilityModel model = new DurabilityModel(image, sectorBytes);
        Disk disk = new RawDisk(flaky, image.length, sectorBytes, false);
        for (int i = 0; i < REQUESTS_MAX; i++) {
            request(disk, model, random);
        }
        flaky.fail(FlakyFile.Call.SYNC, Errno.EIO);
        DiskContract.assertKind(DiskException.Kind.POISONED, disk::flush);
        flaky.mend(FlakyFile.Call.SYNC);
        byte[] before = file.content();
        DiskContract.assertKind(
                DiskException.Kind.POISONED, () -> disk.writeZeroes(0, sectorBytes, true));
        assertThat(file.content()).isEqualTo(before);
        model.requirePossible(file.crash(random));
    }
}
