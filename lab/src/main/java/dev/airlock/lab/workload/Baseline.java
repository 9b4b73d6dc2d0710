package dev.airlock.lab.workload;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.zip.CRC32C;

/**
 * What a disk held before the workload began: the truth that reads of untouched sectors are held
 * against.
 */
public interface Baseline {
    /** Nothing is known: the first read of a sector is the truth for all later ones. */
    Baseline FIRST_READ = (offset, bytes, firstRead) -> firstRead;

    /** A new disk: every sector reads as zeroes. */
    Baseline ZEROES = (offset, bytes, firstRead) -> checksum(ByteBuffer.allocate(bytes));

    /**
     * CRC-32C of one sector as it was at the start. Called once per sector, from any thread.
     *
     * @param offset the sector's place on the disk, bytes
     * @param bytes the sector's size
     * @param firstRead checksum of the first read of that sector by the workload
     */
    int checksum(long offset, int bytes, int firstRead);

    /**
     * The image file itself, read around the path that is being tested.
     *
     * @param image the raw image, open for reading; the caller closes it after the workload
     */
    static Baseline ofRawImage(FileChannel image) {
        return (offset, bytes, firstRead) -> {
            ByteBuffer sector = ByteBuffer.allocate(bytes);
            try {
                while (sector.hasRemaining()
                        && image.read(sector, offset + sector.position()) > 0) {
                    // A read may be short; what lies behind the file's end reads as zeroes.
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
            sector.clear();
            return checksum(sector);
        };
    }

    private static int checksum(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }
}
