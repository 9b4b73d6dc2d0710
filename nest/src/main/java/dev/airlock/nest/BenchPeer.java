package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Path;

/**
 * What a {@link BenchGuest} is held against: the same kernel with the same jobs, its disk behind
 * QEMU's own controllers. Each has a thread of its own for I/O, which is what QEMU's users are told
 * to give it; the rest is as QEMU has it.
 */
public enum BenchPeer {
    VIRTIO_SCSI("virtio-scsi", "sda"),
    VIRTIO_BLK("virtio-blk", "vda");

    private static final String[] MODULES = {"virtio_pci", "virtio_scsi", "virtio_blk", "sd_mod"};

    private final String word;
    private final String device;

    BenchPeer(String word, String device) {
        this.word = word;
        this.device = device;
    }

    /** As people write it. */
    public String word() {
        return word;
    }

    /** Whether this machine can run them. */
    public static boolean isPossible() {
        return Tool.find("qemu-system-x86_64").isPresent() && Tool.find("setpriv").isPresent();
    }

    /**
     * Writes the initramfs that all of them boot.
     *
     * @param folder for it; it stays there
     */
    public static BenchGuest make(LinuxKernel kernel, Path folder) throws IOException {
        return BenchGuest.make(kernel, folder.resolve("bench-peer-initramfs.cpio"), MODULES);
    }

    /**
     * A machine, its console on pipes.
     *
     * @param guest as {@link #make} makes it
     * @param image a raw disk, which is written to; nobody else may use it meanwhile
     * @param seconds that each job shall take
     */
    public QemuSettings settings(BenchGuest guest, Path image, int seconds) {
        QemuSettings settings =
                new QemuSettings(guest.kernel(), guest.initramfs())
                        .commandLine(BenchGuest.words(seconds, device))
                        .more("-object", "iothread,id=io")
                        // Whoever else has it open may have locked it.
                        .more(
                                "-drive",
                                "if=none,id=disk,format=raw,discard=unmap,file.locking=off,file="
                                        + QemuSettings.quoted(image));
        return this == VIRTIO_BLK
                ? settings.more("-device", "virtio-blk-pci,iothread=io,drive=disk")
                : settings.more(
                        "-device", "virtio-scsi-pci,iothread=io", "-device", "scsi-hd,drive=disk");
    }
}
