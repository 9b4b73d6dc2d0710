package dev.airlock.nest;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * Writes a cpio archive in the "newc" format, as the kernel unpacks it
 * (Documentation/driver-api/early-userspace/buffer-format.rst):
 *
 * <pre>
 * "070701", 13 fields of 8 hexadecimal digits:
 *   ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
 * name and NUL, padded to 4 bytes; data, padded to 4 bytes
 * </pre>
 *
 * Everything belongs to root and is dated 1970, so that the same content is the same archive.
 * Folders above an entry are made where they are missing; an entry that is there already is an
 * error, a folder that is there already is not. Data is streamed. For one thread; owns its stream.
 */
public final class CpioArchive implements AutoCloseable {
    /** File types of {@code linux/stat.h}. */
    private static final int S_IFCHR = 0020000;

    private static final int S_IFDIR = 0040000;
    private static final int S_IFBLK = 0060000;
    private static final int S_IFREG = 0100000;
    private static final int S_IFLNK = 0120000;
    private static final long FILE_BYTES_MAX = 0xFFFF_FFFFL;
    private static final int ALIGNMENT = 4;
    private static final byte[] PADDING = new byte[ALIGNMENT];
    private static final String TRAILER = "TRAILER!!!";

    private final OutputStream out;
    private final Set<String> folders = new HashSet<>();
    private final Set<String> others = new HashSet<>();
    private int inode = 1;

    /** Writes to a stream that {@link #close} ends. */
    public CpioArchive(OutputStream out) {
        this.out = new BufferedOutputStream(out, 1 << 16);
    }

    /** Whether an entry of that name was written; names are relative, without a leading slash. */
    public boolean contains(String name) {
        String plain = plain(name);
        return folders.contains(plain) || others.contains(plain);
    }

    /** A folder, and those above it, with permissions 0755. */
    public void folder(String name) throws IOException {
        String plain = plain(name);
        if (plain.isEmpty() || folders.contains(plain)) {
            return;
        }
        begin(plain);
        folders.add(plain);
        header(plain, S_IFDIR | 0755, 0, 0, 0);
    }

    /** A regular file with these bytes. */
    public void file(String name, int permissions, byte[] content) throws IOException {
        String plain = beginFile(name);
        header(plain, S_IFREG | permissions, content.length, 0, 0);
        out.write(content);
        pad(content.length);
    }

    /** A regular file with the content of another one, which must not change meanwhile. */
    public void file(String name, int permissions, Path content) throws IOException {
        long size = Files.size(content);
        if (size > FILE_BYTES_MAX) {
            throw new NestException("too large for a cpio archive: " + content + " bytes=" + size);
        }
        String plain = beginFile(name);
        header(plain, S_IFREG | permissions, size, 0, 0);
        long copied;
        try (InputStream in = Files.newInputStream(content)) {
            copied = in.transferTo(out);
        }
        if (copied != size) {
            throw new NestException(
                    "changed while it was copied: "
                            + content
                            + " bytes="
                            + size
                            + " then="
                            + copied);
        }
        pad(size);
    }

    /** A symbolic link. */
    public void symlink(String name, String target) throws IOException {
        byte[] bytes = target.getBytes(StandardCharsets.UTF_8);
        String plain = beginFile(name);
        header(plain, S_IFLNK | 0777, bytes.length, 0, 0);
        out.write(bytes);
        pad(bytes.length);
    }

    /** A character device node. */
    public void characterDevice(String name, int permissions, int major, int minor)
            throws IOException {
        header(beginFile(name), S_IFCHR | permissions, 0, major, minor);
    }

    /** A block device node. */
    public void blockDevice(String name, int permissions, int major, int minor) throws IOException {
        header(beginFile(name), S_IFBLK | permissions, 0, major, minor);
    }

    /** Writes the trailer and ends the stream. */
    @Override
    public void close() throws IOException {
        try (out) {
            header(TRAILER, 0, 0, 0, 0);
        }
    }

    private String beginFile(String name) throws IOException {
        String plain = plain(name);
        if (plain.isEmpty()) {
            throw new IllegalArgumentException("no name");
        }
        begin(plain);
        others.add(plain);
        return plain;
    }

    private void begin(String plain) throws IOException {
        if (others.contains(plain) || folders.contains(plain)) {
            throw new IllegalArgumentException("twice in the archive: " + plain);
        }
        int slash = plain.lastIndexOf('/');
        if (slash > 0) {
            folder(plain.substring(0, slash));
        }
    }

    private static String plain(String name) {
        String plain = name;
        while (plain.startsWith("/")) {
            plain = plain.substring(1);
        }
        while (plain.endsWith("/")) {
            plain = plain.substring(0, plain.length() - 1);
        }
        return plain;
    }

    private void header(String name, int mode, long size, int major, int minor) throws IOException {
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        StringBuilder text = new StringBuilder("070701");
        int links = (mode & 0170000) == S_IFDIR ? 2 : 1;
        long[] fields = {
            inode++, mode, 0, 0, links, 0, size, 0, 0, major, minor, nameBytes.length + 1L, 0
        };
        for (long field : fields) {
            text.append(String.format("%08X", field));
        }
        out.write(text.toString().getBytes(StandardCharsets.US_ASCII));
        out.write(nameBytes);
        out.write(0);
        pad(text.length() + nameBytes.length + 1L);
    }

    private void pad(long length) throws IOException {
        out.write(PADDING, 0, (int) (-length & (ALIGNMENT - 1)));
    }
}
