package dev.airlock.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;

/**
 * What NBD servers are measured on: a full image of random data, and a sparse one with a mebibyte
 * of it in every {@link #SPARSE_STRIDE_MIB}. Copies keep the holes.
 */
final class NbdImages {
    static final int FULL_MIB = 256;
    static final int SPARSE_MIB = 1024;
    private static final int SPARSE_STRIDE_MIB = 16;
    private static final int MIB = 1 << 20;

    private final Path full;
    private final Path sparse;

    private NbdImages(Path full, Path sparse) {
        this.full = full;
        this.sparse = sparse;
    }

    /** Fills both, the same every time. */
    static NbdImages fill(ScratchFolder folder) throws IOException {
        NbdImages images = new NbdImages(folder.path("full.img"), folder.path("sparse.img"));
        write(images.full, FULL_MIB, 1);
        write(images.sparse, SPARSE_MIB, SPARSE_STRIDE_MIB);
        return images;
    }

    Path full() {
        return full;
    }

    Path sparse() {
        return sparse;
    }

    /** Copies of both for a server, which writes to them. */
    void copyTo(Path fullCopy, Path sparseCopy) throws IOException {
        Files.copy(full, fullCopy);
        write(sparseCopy, SPARSE_MIB, SPARSE_STRIDE_MIB);
    }

    private static void write(Path image, int mebibytes, int stride) throws IOException {
        Random random = new Random(1);
        byte[] data = new byte[MIB];
        try (FileChannel file =
                FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < mebibytes; at += stride) {
                random.nextBytes(data);
                file.write(ByteBuffer.wrap(data), at * MIB);
            }
            long end = (long) mebibytes * MIB;
            if (file.size() < end) {
                // The last byte makes the size: truncate only shortens.
                file.write(ByteBuffer.allocate(1), end - 1);
            }
        }
    }
}
