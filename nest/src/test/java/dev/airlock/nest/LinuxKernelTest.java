package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinuxKernelTest {
    private static final String RELEASE = "9.9.9+deb99-cloud-amd64";

    @TempDir Path folder;

    /** As much of a bzImage as tells its release. */
    private Path image(String name) throws Exception {
        ByteBuffer setup = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        setup.putInt(0x202, 0x53726448).putShort(0x20E, (short) 0x300);
        setup.put(0x500, (RELEASE + " (builder)").getBytes(StandardCharsets.US_ASCII));
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.write(file, setup.array());
    }

    private Path modules(String name) throws Exception {
        Path modules = folder.resolve(name).resolve(RELEASE);
        Files.createDirectories(modules.resolve("kernel"));
        return modules;
    }

    @Test
    void shouldFindTheKernelOfAPackageThatHasItInBoot() throws Exception {
        Path image = image("boot/vmlinuz-" + RELEASE);
        for (String place : new String[] {"lib/modules", "usr/lib/modules"}) {
            LinuxKernel kernel = new LinuxKernel(image, RELEASE, modules(place));

            assertThat(LinuxKernel.unpacked(folder)).contains(kernel);
            assertThat(LinuxKernel.of(image)).isEqualTo(kernel);
            CacheFolder.delete(kernel.modules());
        }
    }

    @Test
    void shouldFindTheKernelOfPackagesThatHaveItAmongItsModules() throws Exception {
        Path modules = modules("usr/lib/modules");
        Path image = image("usr/lib/modules/" + RELEASE + "/vmlinuz");
        LinuxKernel kernel = new LinuxKernel(image, RELEASE, modules);

        assertThat(LinuxKernel.unpacked(folder)).contains(kernel);
        assertThat(LinuxKernel.of(image)).isEqualTo(kernel);
    }

    @Test
    void shouldFindNoKernelWhereAPartIsMissing() throws Exception {
        assertThat(LinuxKernel.unpacked(folder)).isEmpty();
        Path image = image("boot/vmlinuz-" + RELEASE);
        assertThat(LinuxKernel.unpacked(folder)).isEmpty();
        assertThatThrownBy(() -> LinuxKernel.of(image))
                .isInstanceOf(NestException.class)
                .hasMessageContaining("no modules of");
        modules("lib/modules");
        Files.delete(image);
        assertThat(LinuxKernel.unpacked(folder)).isEmpty();
    }
}
