package dev.airlock.nest;

import java.nio.charset.StandardCharsets;

/** What runs in an {@link OuterMachine}. Stateless. */
final class OuterScript {
    /**
     * The power button is SIGTERM to the program that was started first; before there is one, the
     * machine ends. Other keyboards are input devices, too.
     */
    static final String AT_POWER_BUTTON =
            """
            {
                button=$(grep -lx 'Power Button' /sys/class/input/event*/device/name | head -n 1)
                button=/dev/input/$(basename "${button%/device/name}")
                [ "$(cat "$button" | head -c 1 | wc -c)" = 1 ] || exit
                first=$(pidof java | tr ' ' '\\n' | sort -n | head -n 1)
                if [ -n "$first" ]; then kill -TERM $first; else poweroff -f; fi
            } 2>/dev/null &
            """;

    private OuterScript() {}

    /** The program by the name {@code airlock}. */
    static byte[] launcher(Program program) {
        return """
        #!/bin/sh
        exec %s %s %s "$@"
        """
                .formatted(
                        Shell.quoted(program.jdk().resolve("bin/java").toString()),
                        Shell.quoted("@" + program.argumentFile()),
                        Shell.words(program.main()))
                .getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Puts the program where it was, runs the script, and leaves its output on the second drive.
     *
     * @param options of the JVM, beside those of the program's argument file: whatever is started
     *     by that file gets them
     */
    static String around(Program program, String options, String script) {
        return """
        place() { mkdir -p "$2" && mount --bind "$1" "$2"; }
        mkdir -p /program %1$s
        mount -t ext4 -o ro /dev/vda /program
        place /program/0 %2$s
        place /program/1 %3$s
        { cat %4$s; echo; echo %5$s; } >/tmp/arguments
        mount --bind /tmp/arguments %4$s
        ip link set lo up
        %6$s
        code=$?
        tar -c -f /dev/vdb -C %1$s .
        echo 0 >/proc/sys/kernel/printk
        exit $code
        """
                .formatted(
                        OuterMachine.OUTPUT_FOLDER,
                        Shell.quoted(program.jdk().toString()),
                        Shell.quoted(program.folder().toString()),
                        Shell.quoted(program.argumentFile().toString()),
                        Shell.quoted(options),
                        script);
    }
}
