package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.nest.DebianKernel;
import dev.airlock.nest.Initramfs;
import dev.airlock.nest.LinuxKernel;
import dev.airlock.nest.NestException;
import dev.airlock.nest.QemuMachine;
import dev.airlock.nest.QemuSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.TestAbortedException;

/**
 * A Linux in QEMU whose virtio disk is an export, and whose own NBD client has another one by its
 * network: ext4, fio with checksums, fsck.
 */
@Timeout(value = 300, unit = TimeUnit.SECONDS)
class ExportLinuxGuestTest {
    private static final Duration PATIENCE = Duration.ofSeconds(200);

    private static final String SCRIPT =
            """
            set -e
            verify() {
                fio --name=v --rw=randwrite --bs=4k --iodepth=16 --ioengine=libaio --direct=1 --size=8M \\
                    --verify=crc32c --end_fsync=1 --minimal --thread "$@" >/dev/null
            }
            mkfs.ext4 -q -F /dev/vda
            mkdir -p /mnt/a
            mount -t ext4 /dev/vda /mnt/a
            verify --directory=/mnt/a
            cp /usr/bin/busybox /mnt/a/copy
            umount /mnt/a
            mount -t ext4 /dev/vda /mnt/a
            cmp /usr/bin/busybox /mnt/a/copy
            umount /mnt/a
            e2fsck -f -n /dev/vda
            echo "virtio is good"
            ip link set lo up
            ip addr add 10.0.2.15/24 dev eth0
            ip link set eth0 up
            nbd-client -N second -b 4096 10.0.2.2 %d /dev/nbd0
            verify --filename=/dev/nbd0
            dd if=/usr/bin/busybox of=/dev/nbd0 bs=64k conv=fsync 2>/dev/null
            nbd-client -d /dev/nbd0
            echo "the kernel's client is good"
            """;

    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"forced", "none"})
    void shouldServeAsADiskAndToTheKernelsClient(String isolation) throws Exception {
        for (String tool :
                List.of("qemu-system-x86_64", "busybox", "fio", "mkfs.ext4", "nbd-client")) {
            ExportRig.requireTool(tool);
        }
        LinuxKernel kernel;
        try {
            kernel = DebianKernel.STABLE.fetch();
        } catch (NestException e) {
            throw new TestAbortedException("skipped: no Debian kernel: " + e.getMessage());
        }
        Path disk = ExportRig.image(folder, "a.img", 64 << 20);
        Path second = ExportRig.image(folder, "b.img", 16 << 20);
        Path console = folder.resolve("console");
        try (var rig = ExportRig.start(folder, "--isolation", isolation, disk);
                var network =
                        AirlockProcess.start(
                                "export",
                                "--isolation",
                                isolation,
                                "--tcp",
                                "127.0.0.1:0",
                                second + ",name=second")) {
            int port = Integer.parseInt(network.awaitErrorLine("ready ").replaceAll(".*:", ""));
            Path initramfs = folder.resolve("initramfs.cpio");
            new Initramfs(kernel)
                    .modules("virtio_pci", "virtio_blk", "virtio_net", "ext4", "nbd")
                    .program("fio")
                    .program("mkfs.ext4")
                    .program("e2fsck")
                    .program("nbd-client")
                    .file("etc/mke2fs.conf", 0644, Path.of("/etc/mke2fs.conf"))
                    .script(SCRIPT.formatted(port))
                    .write(initramfs);
            QemuSettings settings =
                    new QemuSettings(kernel.image(), initramfs)
                            .memoryMiB(1024)
                            .processors(2)
                            .commandLine("quiet")
                            .consoleTo(console)
                            .more(
                                    "-drive",
                                    "file=nbd+unix:///?socket=%s/nbd.sock,format=raw,if=none,id=export,discard=unmap"
                                            .formatted(folder),
                                    "-device",
                                    "virtio-blk-pci,drive=export",
                                    "-netdev",
                                    "user,id=net",
                                    "-device",
                                    "virtio-net-pci,netdev=net,romfile=");
            try (QemuMachine machine = settings.start()) {
                QemuMachine.Ending ending = machine.await(PATIENCE);
                String said = Files.readString(console, StandardCharsets.ISO_8859_1);
                assertThat(ending.exitCode())
                        .as("%s; %s; %s", said, rig.export.errors(), network.errors())
                        .hasValue(0);
                assertThat(said).contains("virtio is good").contains("the kernel's client is good");
            }
            rig.succeed("nbdinfo --size \"$U\"");
            rig.end();
            // What the guest wrote is in the files.
            var checked = ExportRig.run(folder, "", "e2fsck -f -n a.img");
            assertThat(checked.exitCode()).as(checked.text()).isZero();
            network.terminate();
            assertThat(network.await().exitCode()).as(network.errors()).isZero();
            byte[] busybox = Files.readAllBytes(Path.of("/usr/bin/busybox"));
            try (var in = Files.newInputStream(second)) {
                assertThat(in.readNBytes(busybox.length)).isEqualTo(busybox);
            }
        }
    }
}
