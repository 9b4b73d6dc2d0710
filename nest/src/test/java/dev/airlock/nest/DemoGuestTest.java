package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo's script, on a disk of QEMU's in the place of storvsc's. */
class DemoGuestTest {
    @TempDir Path folder;

    private String run(String drive) throws Exception {
        Machine.assume("qemu-system-x86_64", "busybox", "setpriv");
        LinuxKernel kernel = Machine.kernel(DebianKernel.STABLE);
        DemoGuest demo = DemoGuest.make(kernel, folder, "virtio_pci", "virtio_scsi");
        Path console = folder.resolve("console");
        QemuSettings settings =
                new QemuSettings(demo.kernel(), demo.initramfs())
                        .commandLine(demo.commandLine())
                        .consoleTo(console)
                        .more("-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=disk")
                        .more("-drive", "if=none,id=disk," + drive);
        try (QemuMachine machine = settings.start()) {
            machine.await(Duration.ofMinutes(3));
        }
        return Files.readString(console, StandardCharsets.ISO_8859_1).replace("\r", "");
    }

    @Test
    void shouldPassOnADiskThatKeepsWhatItIsGiven() throws Exception {
        String said = run("format=raw,file=" + DemoGuest.makeDisk(folder));

        assertThat(said)
                .contains("airlock-demo: direct: 256 x 4096 bytes written, read back, and alike")
                .contains("airlock-demo: by the page cache: 32 x 65536 bytes")
                .contains(DemoGuest.GOOD + "\n")
                .doesNotContain(DemoGuest.BAD);
    }

    @Test
    void shouldFailOnADiskThatForgets() throws Exception {
        String said = run("driver=null-co,read-zeroes=on,size=64M");

        assertThat(said)
                .contains("airlock-demo: direct: what was read is not what was written\n")
                .contains(DemoGuest.BAD + "\n")
                .doesNotContain(DemoGuest.GOOD);
    }
}
