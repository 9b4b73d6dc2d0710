package dev.airlock.vmbus;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Makes copies of classes from which one full fence is taken out, to see a test fail. */
final class FenceRemoval {
    private FenceRemoval() {}

    /** The methods of a class that have a full fence. */
    static List<String> fencedMethods(Class<?> type) throws IOException {
        List<String> names = new ArrayList<>();
        for (MethodModel method : parse(type).methods()) {
            boolean fenced =
                    method.code().stream()
                            .flatMap(code -> code.elementStream())
                            .anyMatch(FenceRemoval::isFence);
            if (fenced) {
                names.add(method.methodName().stringValue());
            }
        }
        return names;
    }

    /** Writes the class, without the fences of one method, into a folder for a class path. */
    static void write(Class<?> type, String method, Path folder) throws IOException {
        CodeTransform withoutFences =
                (builder, element) -> {
                    if (!isFence(element)) {
                        builder.with(element);
                    }
                };
        byte[] changed =
                ClassFile.of()
                        .transformClass(
                                parse(type),
                                ClassTransform.transformingMethodBodies(
                                        m -> m.methodName().equalsString(method), withoutFences));
        Path file = folder.resolve(type.getName().replace('.', '/') + ".class");
        Files.createDirectories(file.getParent());
        Files.write(file, changed);
    }

    private static ClassModel parse(Class<?> type) throws IOException {
        try (InputStream in = type.getResourceAsStream(type.getSimpleName() + ".class")) {
            if (in == null) {
                throw new IOException("no class file: " + type);
            }
            return ClassFile.of().parse(in.readAllBytes());
        }
    }

    private static boolean isFence(CodeElement element) {
        return element instanceof InvokeInstruction invoke
                && invoke.name().equalsString("fullFence");
    }
}
