package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code airlock export} with the clients that people have, isolated and not. */
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class ExportClientsTest {
    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"forced", "none"})
    void shouldDescribeExportsAndTheirHoles(String isolation) throws Exception {
        Path disk = ExportRig.image(folder, "a.img", 64 << 20);
        try (var rig =
                ExportRig.start(folder, "--isolation", isolation, disk, "mem:1M,ro,name=second")) {
            String info = rig.succeed("nbdinfo --json \"$U\"");
            assertThat(info).contains("\"export-size\": 67108864", "\"can_multi_conn\": true");
            String list = rig.succeed("nbdinfo --list \"$U\"");
            assertThat(list).contains("export=\"a.img\"", "export=\"second\"");
            String second = rig.uri().replace("///?", "///second?");
            assertThat(rig.succeed("nbdinfo --size '" + second + "'").strip()).isEqualTo("1048576");
            assertThat(rig.succeed("nbdinfo --is read-only '" + second + "'")).isEmpty();
            rig.succeed("qemu-io -f raw -c 'write -P 1 1M 2M' \"$U\"");
            assertThat(rig.succeed("nbdinfo --map \"$U\"").lines().map(ExportClientsTest::words))
                    .containsExactly(
                            "0 1048576 3 hole,zero",
                            "1048576 2097152 0 data",
                            "3145728 63963136 3 hole,zero");
            assertThat(
                            rig.run("nbdinfo '" + rig.uri().replace("///?", "///none?") + "'")
                                    .exitCode())
                    .isNotZero();
            rig.end();
        }
    }

    private static String words(String line) {
        return line.strip().replaceAll("\\s+", " ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"forced", "none"})
    void shouldCopyBothWaysAndCompare(String isolation) throws Exception {
        Path disk = ExportRig.image(folder, "a.img", 96 << 20);
        try (var rig = ExportRig.start(folder, "--isolation", isolation, disk)) {
            rig.succeed("truncate -s 96M in.img");
            rig.succeed(
                    "dd if=/dev/urandom of=in.img bs=1M count=20 seek=7 conv=notrunc status=none");
            rig.succeed(
                    "dd if=/dev/urandom of=in.img bs=777 count=99 seek=51234 conv=notrunc"
                            + " status=none");
            rig.succeed("nbdcopy --flush in.img \"$U\"");
            rig.succeed("cmp in.img a.img");
            rig.succeed("nbdcopy \"$U\" out.img");
            rig.succeed("cmp in.img out.img");
            rig.succeed("qemu-img convert -f raw -O qcow2 \"$U\" out.qcow2");
            rig.succeed("qemu-img compare -f qcow2 -F raw out.qcow2 in.img");
            rig.succeed("qemu-img compare -f raw -F raw \"$U\" in.img");
            rig.succeed("qemu-img convert -n -f qcow2 -O raw out.qcow2 \"$U\"");
            rig.succeed("cmp in.img a.img");
            assertThat(rig.succeed("qemu-img info --output=json \"$U\"")).contains("100663296");
            // Holes came through as holes: much less is allocated than the image is large.
            assertThat(rig.succeed("qemu-img map --output=json -f raw \"$U\""))
                    .contains("\"zero\": true");
            rig.end();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"forced", "none"})
    void shouldKeepPatternsAtAnyAlignment(String isolation) throws Exception {
        Path disk = ExportRig.image(folder, "a.img", 64 << 20);
        try (var rig = ExportRig.start(folder, "--isolation", isolation, disk + ",sector=4096")) {
            String said =
                    rig.succeed(
                            """
                            qemu-io -f raw -c 'write -P 0xab 0 1M' -c 'write -P 0x12 12345 54321' \
                              -c 'read -P 0x12 12345 54321' -c 'read -P 0xab 0 12345' -c 'write -z 5000 100001' \
                              -c 'read -P 0 5000 100001' -c 'read -P 0xab 105001 1000' -c 'write -z -u 2M 1M' \
                              -c 'write -f -P 7 8M 32M' -c 'read -P 7 8M 32M' -c 'discard 9M 1M' -c flush \
                              -c 'aio_write -P 3 40M 1M' -c 'aio_write -P 4 41M 1M' -c aio_flush \
                              -c 'read -P 3 40M 1M' -c 'read -P 4 41M 1M' "$U"
                            """);
            assertThat(said).doesNotContain("Pattern verification failed", "failed:");
            rig.end();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"forced", "none"})
    void shouldVerifyUnderLoadOnFourConnections(String isolation) throws Exception {
        Path disk = ExportRig.image(folder, "a.img", 128 << 20);
        try (var rig = ExportRig.start(folder, "--isolation", isolation, disk)) {
            rig.succeed(
                    """
                    fio --name=v --ioengine=nbd --uri="$U" --rw=randrw --bsrange=512-64k --bs_unaligned --iodepth=16 \
                      --numjobs=4 --size=32m --offset_increment=32m --verify=crc32c --verify_fatal=1 --io_size=24m --randrepeat=0
                    """);
            rig.end();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"forced", "none"})
    void shouldHoldAFileSystem(String isolation) throws Exception {
        Path disk = ExportRig.image(folder, "a.img", 64 << 20);
        Path tree = Files.createDirectories(folder.resolve("tree/deep/er"));
        byte[] content = new byte[300_001];
        new java.util.Random(5).nextBytes(content);
        Files.write(tree.resolve("file"), content);
        try (var rig = ExportRig.start(folder, "--isolation", isolation, disk)) {
            ExportRig.requireTool("nbdcopy");
            rig.succeed("mke2fs -q -t ext4 -d tree fs.img 64M");
            rig.succeed("nbdcopy --flush fs.img \"$U\"");
            rig.succeed("nbdcopy \"$U\" back.img");
            rig.succeed("e2fsck -f -n back.img");
            rig.succeed("debugfs -R 'dump /deep/er/file got' back.img");
            assertThat(folder.resolve("got")).hasBinaryContent(content);
            rig.end();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"forced", "none"})
    void shouldAnswerEachCommandOfALibnbdScript(String isolation) throws Exception {
        Path disk = ExportRig.image(folder, "a.img", 64 << 20);
        try (var rig = ExportRig.start(folder, "--isolation", isolation, disk)) {
            Files.writeString(
                    folder.resolve("script.py"),
                    """
                    import errno
                    h.set_strict_mode(0)
                    h.add_meta_context("base:allocation")
                    import os
                    h.connect_uri(os.environ["U"])
                    size = h.get_size()
                    assert size == 64 << 20
                    h.pwrite(b"x" * 1000, 1234, nbd.CMD_FLAG_FUA)
                    assert h.pread(1002, 1233) == b"\\0" + b"x" * 1000 + b"\\0"
                    h.zero(500, 1300, nbd.CMD_FLAG_NO_HOLE)
                    assert h.pread(1000, 1234) == b"x" * 66 + b"\\0" * 500 + b"x" * 434
                    h.trim(1 << 20, 0, nbd.CMD_FLAG_FUA)
                    h.cache(4096, 0)
                    h.flush()
                    got = []
                    h.block_status(size, 0, lambda c, o, e, err: got.append((c, o, e)))
                    assert got and got[0][0] == "base:allocation", got
                    assert h.pread_structured(4096, 0, lambda b, o, s, err: None, nbd.CMD_FLAG_DF) is not None
                    def fails(number, call):
                        try:
                            call()
                        except nbd.Error as e:
                            assert e.errnum == number, (e.errnum, number)
                            return
                        assert False, "should have failed"
                    fails(errno.EINVAL, lambda: h.pread(512, size))
                    fails(errno.ENOSPC, lambda: h.pwrite(b"y" * 512, size - 511))
                    fails(errno.ENOSPC, lambda: h.zero(512, size))
                    fails(errno.EINVAL, lambda: h.trim(512, size))
                    fails(errno.EINVAL, lambda: h.pread(512, 0, 0x4000))
                    fails(errno.EINVAL, lambda: h.cache(512, size))
                    fails(errno.ENOTSUP, lambda: h.zero(512, 0, nbd.CMD_FLAG_FAST_ZERO | nbd.CMD_FLAG_NO_HOLE))
                    assert h.pread(4, 40 << 20) == b"\\0" * 4
                    h.shutdown()
                    print("all is well")
                    """);
            assertThat(rig.succeed("nbdsh -c 'exec(open(\"script.py\").read())'"))
                    .contains("all is well");
            rig.end();
        }
    }
}
