package dev.airlock.e2e;

/** What guests of {@link BootLinuxTest} run, and what is done to them from outside. */
final class BootScripts {
    private BootScripts() {}

    /** What both drivers and the disk are put through; each line that counts begins with "is". */
    static final String STORAGE =
            """
            fail() { echo "is BAD: $*"; sync; poweroff -f; }
            until [ -b /dev/sda ]; do usleep 100000; done
            printf 'label: gpt\\n,48M\\n,320M\\n,\\n' | sfdisk -q /dev/sda || fail sfdisk
            mkfs.ext4 -q /dev/sda1 || fail mkfs.ext4
            mkfs.xfs -q /dev/sda2 || fail mkfs.xfs
            check() {
                fio --name=v --size=2M --rw=randwrite --direct=1 --ioengine=libaio --iodepth=16 \\
                    --verify=crc32c --verify_fatal=1 --end_fsync=1 --minimal --thread "$@" >/tmp/fio || fail "fio $*"
            }
            for part in 1 2; do
                mount /dev/sda$part /mnt || fail mount $part
                check --directory=/mnt --bs=4k --numjobs=$(nproc) --cpus_allowed_policy=split --cpus_allowed=0-$(($(nproc) - 1))
                cp /usr/bin/busybox /mnt/copy
                umount /mnt
                mount /dev/sda$part /mnt
                cmp /usr/bin/busybox /mnt/copy || fail cmp
                umount /mnt
            done
            e2fsck -f -n /dev/sda1 >/dev/null || fail e2fsck
            xfs_repair -n /dev/sda2 >/dev/null 2>&1 || fail xfs_repair
            for align in 512 1536 3584; do check --filename=/dev/sda3 --bs=1536 --iomem_align=$align; done
            check --filename=/dev/sda3 --bs=1M --size=8M
            for page in $(sg_vpd --page=sv --raw /dev/sda >/tmp/pages; od -An -v -tx1 -j4 /tmp/pages); do
                sg_vpd --page=0x$page /dev/sda >/dev/null || fail "VPD page $page"
            done
            sg_readcap --16 /dev/sda >/dev/null || fail READ CAPACITY
            blkdiscard -f /dev/sda3 || fail blkdiscard
            cmp -n 65536 /dev/sda3 /dev/zero || fail "what was discarded is not zero"
            head -c 65536 /dev/urandom | tee /tmp/last >/dev/sda3
            sync
            echo "is written: $(sha256sum </tmp/last | cut -d ' ' -f 1)"
            for channel in /sys/bus/vmbus/drivers/hv_storvsc/*/channels/*; do
                echo "is channel: $(cat $channel/interrupts) interrupts"
            done
            echo "is swiotlb: $(cat /sys/kernel/debug/swiotlb/io_tlb_used 2>/dev/null)"
            echo "is GOOD"
            """;

    static final String REBOOT =
            """
            until [ -b /dev/sda ]; do usleep 100000; done
            if [ "$(head -c 4 /dev/sda)" = seen ]; then echo "is back"; poweroff -f; fi
            printf seen >/tmp/mark
            dd if=/tmp/mark of=/dev/sda conv=notrunc,fsync 2>/dev/null
            reboot -f
            """;

    static final String PANIC = "echo c >/proc/sysrq-trigger; sleep 60";

    static final String HOT =
            """
            until [ -b /dev/sda ]; do usleep 100000; done
            echo "is ready"
            until [ -b /dev/sdb ]; do usleep 100000; done
            echo "is added $(blockdev --getsize64 /dev/sdb)"
            until [ "$(blockdev --getsize64 /dev/sdb)" = 50331648 ]; do
                dd if=/dev/sdb of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null
                usleep 200000
            done
            echo "is resized"
            while [ -b /dev/sdb ]; do usleep 100000; done
            echo "is removed"
            """;

    /** For a guest with hv_utils: what its kernel runs when the shutdown service asks for it. */
    static final String AT_SHUTDOWN =
            """
            mkdir -p /sbin
            printf '#!/bin/sh\necho is asked >/dev/console\nexec busybox poweroff -f\n' >/sbin/poweroff.new
            chmod 755 /sbin/poweroff.new
            mv /sbin/poweroff.new /sbin/poweroff
            """;

    /** Four at a time write and read back, and compare, for a while. */
    static final String KILLED =
            AT_SHUTDOWN
                    + """
                    until [ -b /dev/sda ]; do usleep 100000; done
                    dd if=/dev/urandom of=/tmp/data bs=64k count=64 2>/dev/null
                    work() {
                        for round in $(seq 12); do
                            dd if=/tmp/data of=/dev/sda bs=16k seek=$(($1 * 256)) oflag=direct conv=notrunc 2>/dev/null || echo "is BAD: write"
                            dd if=/dev/sda of=/tmp/back$1 bs=16k skip=$(($1 * 256)) count=256 iflag=direct 2>/dev/null || echo "is BAD: read"
                            cmp /tmp/data /tmp/back$1 || echo "is BAD: data"
                            echo "is round $1 $round"
                        done
                    }
                    for part in 0 1 2 3; do work $part & done
                    wait
                    sync
                    echo "is GOOD $(sha256sum </tmp/data | cut -d ' ' -f 1)"
                    while sleep 1; do :; done
                    """;

    /** The pattern does not match the shell whose command line it is in. */
    static final String KILL_HOST =
            """
            kill_host() {
                for process in /proc/[0-9]*; do
                    tr '\\0' ' ' <$process/cmdline 2>/dev/null | grep -q 'Main[ ]host ' && kill -9 ${process#/proc/}
                done
            }
            """;

    /** Kills the host of a disk whose contents are in that process. */
    static final String VOLATILE_FROM_OUTSIDE =
            KILL_HOST
                    + """
                    airlock boot %s >/tmp/volatile 2>&1 & guest=$!
                    until grep -q "is ready" /tmp/volatile; do kill -0 $guest 2>/dev/null || break; sleep 0.2; done
                    kill_host
                    wait $guest
                    code=$?
                    cat /tmp/volatile
                    exit $code
                    """;

    /**
     * Runs a guest and kills its host process, three times, while it is busy; asks it to switch
     * itself off when it is not any more.
     */
    static final String KILLED_FROM_OUTSIDE =
            KILL_HOST
                    + """
                    truncate -s 32M /tmp/killed.img
                    airlock boot %s --disk /tmp/killed.img >/tmp/killed 2>&1 & guest=$!
                    for round in 2 5 8; do
                        until grep -q "is round . $round" /tmp/killed; do kill -0 $guest 2>/dev/null || break; sleep 0.2; done
                        kill_host
                    done
                    until grep -q "is GOOD" /tmp/killed; do kill -0 $guest 2>/dev/null || break; sleep 0.2; done
                    sleep 3
                    kill -TERM $guest
                    wait $guest
                    code=$?
                    cat /tmp/killed
                    for part in 0 1 2 3; do
                        echo "outside: $(dd if=/tmp/killed.img bs=4M skip=$part count=1 2>/dev/null | sha256sum)"
                    done
                    exit $code
                    """;

    /** Runs a guest and changes its disks from outside as it asks for it. */
    static final String HOT_FROM_OUTSIDE =
            """
            airlock boot %s --control /tmp/ctl >/tmp/hot 2>&1 & guest=$!
            await() { until grep -q "$1" /tmp/hot; do kill -0 $guest 2>/dev/null || break; sleep 1; done; }
            await "is ready"
            airlock disk-add --control /tmp/ctl mem:32M,name=late
            await "is added"
            airlock disk-resize --control /tmp/ctl late 48M
            await "is resized"
            airlock disk-remove --control /tmp/ctl late
            wait $guest
            code=$?
            cat /tmp/hot
            exit $code
            """;
}
