package dev.airlock.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;

/**
 * The process that {@link PrivilegesTest} starts: it gives up its privileges and prints what it can
 * still do.
 */
final class PrivilegesChild {
    private static final List<String> FIELDS =
            List.of("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs");

    private PrivilegesChild() {}

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "report" -> report(Long.parseLong(arguments[1]));
            case "armed" -> armed();
            case "starter" -> starter();
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    /** Prints {@code name=value} lines; values of all threads are sets. */
    private static void report(long parent) throws Exception {
        startThreads(5);
        Privileges.setNotDumpable();
        System.out.println("result=" + drop());
        Thread after = startThreads(1).getFirst();
        for (Map.Entry<String, Set<String>> field : ofAllThreads().entrySet()) {
            System.out.println(field.getKey() + "=" + String.join(",", field.getValue()));
        }
        System.out.println("dumpable=" + Privileges.isDumpable());
        System.out.println("threadAfterRuns=" + after.isAlive());
        System.out.println("setresuid0=" + Errno.name(-ProcessCalls.setresuid(0)));
        System.out.println("parentMemory=" + open("/proc/" + parent + "/mem"));
        System.out.println("parentDescriptors=" + open("/proc/" + parent + "/fd/0"));
        System.out.println("shadow=" + open("/etc/shadow"));
        try (EventFd event = EventFd.create();
                EventFd adopted = EventFd.adopt(event.fd().duplicate())) {
            System.out.println("adoptsEventFd=" + adopted.isOpen());
        }
        System.out.println("dropAgain=" + drop());
    }

    /**
     * Dies with its parent although it changed its user after asking for that; says so once ready.
     */
    private static void armed() throws Exception {
        Privileges.parentDeathSignal(Privileges.SIGKILL);
        Privileges.drop();
        System.out.println(
                "armed=" + ProcessHandle.current().pid() + " parent=" + Privileges.parentPid());
        new CountDownLatch(1).await();
    }

    /** Starts an armed process and passes on what it says, until killed. */
    private static void starter() throws Exception {
        ProcessBuilder builder = PrivilegesTest.java("armed");
        builder.redirectOutput(ProcessBuilder.Redirect.INHERIT).start().waitFor();
    }

    private static String drop() {
        try {
            Privileges.drop();
            return "dropped";
        } catch (LinuxException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static String open(String path) {
        try (Fd fd = FileIo.open(Path.of(path), FileIo.O_RDONLY)) {
            return "opened " + fd;
        } catch (LinuxException e) {
            return Errno.name(e.errno());
        }
    }

    private static List<Thread> startThreads(int count) {
        List<Thread> threads = new ArrayList<>();
        CountDownLatch never = new CountDownLatch(1);
        for (int i = 0; i < count; i++) {
            threads.add(
                    Thread.ofPlatform()
                            .daemon()
                            .start(() -> {
                                try {
                                    never.await();
                                } catch (InterruptedException e) {
                                    return;
                                }
                            }));
        }
        return threads;
    }

    private static Map<String, Set<String>> ofAllThreads() throws IOException {
        Map<String, Set<String>> values = new TreeMap<>();
        int threads = 0;
        try (var tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path task : tasks) {
                threads++;
                for (String line : Files.readAllLines(task.resolve("status"))) {
                    String name = line.substring(0, Math.max(0, line.indexOf(':')));
                    if (FIELDS.contains(name)) {
                        String value = line.substring(name.length() + 1).strip().replace('\t', ' ');
                        values.computeIfAbsent(name, absent -> new TreeSet<>()).add(value);
                    }
                }
            }
        }
        values.put("threadCount", Set.of(String.valueOf(threads)));
        return values;
    }
}
