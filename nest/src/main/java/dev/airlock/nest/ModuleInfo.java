package dev.airlock.nest;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The section {@code .modinfo} of a kernel module: strings {@code key=value}, each ended by a NUL.
 * The module is an ELF64 file (elf.h, Elf64_Ehdr and Elf64_Shdr):
 *
 * <pre>
 * Ehdr: 0 magic  40 e_shoff u64  58 e_shentsize u16  60 e_shnum u16  62 e_shstrndx u16
 * Shdr: 0 sh_name u32  24 sh_offset u64  32 sh_size u64
 * </pre>
 */
final class ModuleInfo {
    private static final int ELF_MAGIC = 0x464C457F;
    private static final int E_SHOFF = 40;
    private static final int E_SHENTSIZE = 58;
    private static final int E_SHNUM = 60;
    private static final int E_SHSTRNDX = 62;
    private static final int EHDR_BYTES = 64;
    private static final int SH_OFFSET = 24;
    private static final int SH_SIZE = 32;

    private ModuleInfo() {}

    /**
     * The entries, in the file's order.
     *
     * @throws NestException when it is no module
     */
    static List<String> of(byte[] module) throws NestException {
        ByteBuffer elf = ByteBuffer.wrap(module).order(ByteOrder.LITTLE_ENDIAN);
        try {
            return read(elf);
        } catch (IndexOutOfBoundsException | ArithmeticException e) {
            throw new NestException("not a kernel module", e);
        }
    }

    private static List<String> read(ByteBuffer elf) throws NestException {
        if (elf.capacity() < EHDR_BYTES || elf.getInt(0) != ELF_MAGIC) {
            throw new NestException("not a kernel module");
        }
        int headers = Math.toIntExact(elf.getLong(E_SHOFF));
        int entryBytes = Short.toUnsignedInt(elf.getShort(E_SHENTSIZE));
        int count = Short.toUnsignedInt(elf.getShort(E_SHNUM));
        int names = headers + entryBytes * Short.toUnsignedInt(elf.getShort(E_SHSTRNDX));
        int nameTable = Math.toIntExact(elf.getLong(names + SH_OFFSET));
        for (int i = 0; i < count; i++) {
            int header = headers + entryBytes * i;
            if (string(elf, nameTable + elf.getInt(header), elf.capacity()).equals(".modinfo")) {
                int offset = Math.toIntExact(elf.getLong(header + SH_OFFSET));
                return strings(
                        elf, offset, offset + Math.toIntExact(elf.getLong(header + SH_SIZE)));
            }
        }
        throw new NestException("not a kernel module: it has no section .modinfo");
    }

    private static List<String> strings(ByteBuffer elf, int from, int to) {
        List<String> strings = new ArrayList<>();
        int at = from;
        while (at < to) {
            String string = string(elf, at, to);
            if (!string.isEmpty()) {
                strings.add(string);
            }
            at += string.getBytes(StandardCharsets.ISO_8859_1).length + 1;
        }
        return strings;
    }

    private static String string(ByteBuffer elf, int from, int limit) {
        int end = from;
        while (end < limit && elf.get(end) != 0) {
            end++;
        }
        byte[] bytes = new byte[end - from];
        elf.get(from, bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
