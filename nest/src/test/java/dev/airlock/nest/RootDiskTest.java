package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The root disk, on a disk of QEMU's in the place of storvsc's. */
class RootDiskTest {
    @TempDir Path folder;

    /** Reads until the text came, or the machine is gone. */
    private static String readTo(InputStream console, String text) throws Exception {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        for (int octet = console.read(); octet >= 0; octet = console.read()) {
            said.write(octet);
            if (octet == text.charAt(text.length() - 1)
                    && said.toString(StandardCharsets.UTF_8).endsWith(text)) {
                break;
            }
        }
        return said.toString(StandardCharsets.UTF_8);
    }

    @Test
    void shouldBootToALoginAndPowerOff() throws Exception {
        Machine.assume("qemu-system-x86_64", "busybox", "setpriv", "debootstrap", "mkfs.ext4");
        assumeTrue(
                "root".equals(System.getProperty("user.name")), "skipped: debootstrap needs root");
        LinuxKernel kernel = Machine.kernel(DebianKernel.STABLE);
        Path initramfs = folder.resolve("initramfs.cpio");
        RootDisk.writeInitramfs(kernel, initramfs, "virtio_pci", "virtio_scsi");
        String drive =
                "if=none,id=disk,format=raw,snapshot=on,file=" + RootDisk.get(CacheFolder.ofUser());
        try (QemuMachine machine =
                new QemuSettings(kernel.image(), initramfs)
                        .commandLine("quiet root=/dev/sda")
                        .more("-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=disk")
                        .more("-drive", drive)
                        .start()) {
            assertThat(readTo(machine.console(), RootDisk.PROMPT)).contains("airlock login: root");
            machine.keyboard()
                    .write(
                            "touch /written && ls -d /writt*; df / | tail -n 1\n"
                                    .getBytes(StandardCharsets.UTF_8));
            machine.keyboard().flush();
            assertThat(readTo(machine.console(), RootDisk.PROMPT)).contains("/written", "/dev/sda");
            machine.keyboard().write("poweroff\n".getBytes(StandardCharsets.UTF_8));
            machine.keyboard().flush();
            readTo(machine.console(), "Power down");
            assertThat(machine.await(Duration.ofMinutes(1)).isTimedOut()).isFalse();
        }
    }
}
