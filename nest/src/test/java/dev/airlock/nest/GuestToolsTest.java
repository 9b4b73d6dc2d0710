package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tools, on a disk of QEMU's in the place of storvsc's. */
class GuestToolsTest {
    @TempDir Path folder;

    @Test
    void shouldPartitionMakeFileSystemsVerifyAndAskTheDisk() throws Exception {
        Machine.assume("qemu-system-x86_64", "busybox", "setpriv", "fio", "mkfs.xfs", "sg_vpd");
        LinuxKernel kernel = Machine.kernel(DebianKernel.STABLE);
        Path initramfs = folder.resolve("tools.cpio");
        new GuestTools(kernel)
                .modules("virtio_pci", "virtio_scsi")
                .script("other", "exit 3")
                .script(
                        "disk",
                        """
                        set -e
                        printf 'label: gpt\\n,64M\\n,\\n' | sfdisk -q /dev/sda
                        mkfs.ext4 -q /dev/sda1
                        mkfs.xfs -q /dev/sda2
                        for part in 1 2; do
                            mount /dev/sda$part /mnt
                            fio --name=verify --directory=/mnt --size=4M --rw=randwrite --bs=4k --direct=1 \\
                                --ioengine=libaio --iodepth=8 --verify=crc32c --verify_fatal=1 --minimal >/dev/null
                            umount /mnt
                        done
                        e2fsck -f -n /dev/sda1 >/dev/null
                        xfs_repair -n /dev/sda2 >/dev/null 2>&1
                        sg_vpd --page=sv /dev/sda
                        sg_inq /dev/sda | grep -i vendor
                        blkdiscard -f /dev/sda2
                        exit 5
                        """)
                .write(initramfs);
        Path disk = folder.resolve("disk.raw");
        SparseFile.create(disk, 512L << 20);
        Path console = folder.resolve("console");
        String drive = "if=none,id=disk,format=raw,discard=unmap,file=" + disk;
        try (QemuMachine machine =
                new QemuSettings(kernel.image(), initramfs)
                        .commandLine("quiet " + GuestTools.word("disk"))
                        .memoryMiB(1024)
                        .consoleTo(console)
                        .more("-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=disk")
                        .more("-drive", drive)
                        .start()) {
            QemuMachine.Ending ending = machine.await(Duration.ofMinutes(3));

            String said = Files.readString(console, StandardCharsets.ISO_8859_1);
            assertThat(ending.exitCode()).as(said).hasValue(5);
            assertThat(said).contains("Supported VPD pages", "QEMU");
        }
    }
}
