package dev.airlock.nest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The loadable modules of a kernel, and the order in which they load. What a module needs is read
 * from the module itself (its section {@code .modinfo}, which is where depmod(8) has it from), so a
 * package that was only unpacked will do. Names are as in {@code lsmod}, hyphens allowed. For one
 * thread.
 */
public final class KernelModules {
    private final Path folder;
    private final Map<String, Path> files = new HashMap<>();
    private final Set<String> builtIn = new HashSet<>();

    /** Lists the modules of a kernel. */
    public KernelModules(LinuxKernel kernel) throws IOException {
        folder = kernel.modules();
        if (!Files.isDirectory(folder)) {
            throw new NestException("no modules of the kernel: " + folder + " is missing");
        }
        try (Stream<Path> all = Files.walk(folder.resolve("kernel"))) {
            all.filter(file -> isModule(file.getFileName().toString()))
                    .forEach(file -> files.put(nameOf(file.getFileName().toString()), file));
        }
        Path list = folder.resolve("modules.builtin");
        if (Files.isReadable(list)) {
            for (String line : Files.readAllLines(list)) {
                builtIn.add(nameOf(line.substring(line.lastIndexOf('/') + 1)));
            }
        }
    }

    /** Whether the kernel has it, as a module or built in. */
    public boolean has(String name) {
        String plain = underscores(name);
        return files.containsKey(plain) || builtIn.contains(plain);
    }

    /**
     * The modules to load, and what they need, each once, in an order that works. What is built in
     * is not among them.
     *
     * @return the names and their files, which may be compressed: see {@link #content}
     * @throws NestException when the kernel does not have one
     */
    public Map<String, Path> inLoadOrder(List<String> names) throws IOException {
        Map<String, Path> order = new LinkedHashMap<>();
        for (String name : names) {
            add(underscores(name), order, new HashSet<>());
        }
        return order;
    }

    private void add(String name, Map<String, Path> order, Set<String> begun) throws IOException {
        if (order.containsKey(name) || builtIn.contains(name) || !begun.add(name)) {
            return;
        }
        Path file = files.get(name);
        if (file == null) {
            throw new NestException("the kernel has no module " + name + ": " + folder);
        }
        for (String entry : ModuleInfo.of(content(file))) {
            if (entry.startsWith("depends=")) {
                for (String needed : entry.substring("depends=".length()).split(",")) {
                    if (!needed.isEmpty()) {
                        add(underscores(needed), order, begun);
                    }
                }
            } else if (entry.startsWith("softdep=pre:")) {
                addWanted(entry.substring("softdep=pre:".length()), order, begun);
            }
        }
        order.put(name, file);
    }

    /**
     * What is better there before: names of modules or of algorithms, and the kernel may lack it.
     */
    private void addWanted(String wanted, Map<String, Path> order, Set<String> begun)
            throws IOException {
        for (String word : wanted.strip().split("\\s+")) {
            if (word.endsWith(":")) { // "post:" and what follows it
                return;
            }
            String name = underscores(word);
            for (String candidate : List.of(name, name + "_generic")) {
                if (files.containsKey(candidate)) {
                    add(candidate, order, begun);
                    break;
                }
            }
        }
    }

    /** The module as the kernel takes it: decompressed. */
    public static byte[] content(Path file) throws IOException {
        String name = file.getFileName().toString();
        if (name.endsWith(".ko")) {
            return Files.readAllBytes(file);
        }
        String tool = name.endsWith(".xz") ? "xz" : name.endsWith(".zst") ? "zstd" : "gzip";
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Tool.copyOutput(List.of(tool, "-dc", file.toString()), bytes);
        return bytes.toByteArray();
    }

    private static boolean isModule(String fileName) {
        return fileName.matches(".*\\.ko(\\.(xz|zst|gz))?");
    }

    private static String nameOf(String fileName) {
        int suffix = fileName.indexOf(".ko");
        return underscores(suffix < 0 ? fileName : fileName.substring(0, suffix));
    }

    private static String underscores(String name) {
        return name.replace('-', '_');
    }
}
