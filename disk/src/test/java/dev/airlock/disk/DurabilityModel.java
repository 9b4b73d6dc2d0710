package dev.airlock.disk;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a disk may hold after a crash: for each sector every content it was given since it was last
 * made durable.
 */
final class DurabilityModel {
    private final int sectorBytes;
    private final List<List<byte[]>> sectors = new ArrayList<>();

    /** A disk that durably holds {@code content}. */
    DurabilityModel(byte[] content, int sectorBytes) {
        this.sectorBytes = sectorBytes;
        for (int at = 0; at < content.length; at += sectorBytes) {
            sectors.add(
                    new ArrayList<>(List.of(Arrays.copyOfRange(content, at, at + sectorBytes))));
        }
    }

    /** A change is about to be asked for: from now on its sectors may hold it. */
    void changing(int firstSector, byte[] content) {
        for (int i = 0; i * sectorBytes < content.length; i++) {
            sectors.get(firstSector + i)
                    .add(Arrays.copyOfRange(content, i * sectorBytes, (i + 1) * sectorBytes));
        }
    }

    /** What these sectors hold now was acknowledged as durable. */
    void durable(int firstSector, int count) {
        for (int i = firstSector; i < firstSector + count; i++) {
            List<byte[]> contents = sectors.get(i);
            contents.subList(0, contents.size() - 1).clear();
        }
    }

    /** Everything acknowledged so far is durable. */
    void allDurable() {
        durable(0, sectors.size());
    }

    /** Fails if the disk cannot come out of a crash like this. */
    void requirePossible(byte[] image) {
        for (int sector = 0; sector < sectors.size(); sector++) {
            for (int i = 0; i < sectorBytes; i++) {
                if (!mayHold(sector, i, image[sector * sectorBytes + i])) {
                    throw new AssertionError(
                            "after a crash sector="
                                    + sector
                                    + " byte="
                                    + i
                                    + " is none of the contents="
                                    + sectors.get(sector).size()
                                    + " it may have");
                }
            }
        }
    }

    private boolean mayHold(int sector, int at, byte value) {
        for (byte[] content : sectors.get(sector)) {
            if (content[at] == value) {
                return true;
            }
        }
        return false;
    }
}
