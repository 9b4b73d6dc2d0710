package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockException;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * What a host really reads from the PFN list of a driver, for each {@code min_align_mask}: a buffer
 * that begins inside a page is written to the host's second disk by a {@link BlindMapping}, and
 * read back through memory that needs no bounce. Before each write the pool is filled with {@code
 * a5}, the leavings of an earlier I/O. One thread.
 */
final class HostReads {
    /** In-page offsets of a block I/O. */
    static final List<Integer> OFFSETS = List.of(0, 512, 1024, 1536, 2048, 2560, 3072, 3584);

    private static final int BYTES = OffsetTable.BYTES;
    private static final int SECTOR = 512;
    private static final byte STALE = (byte) 0xA5;
    private static final int STALE_BYTES = 64 << 10;
    private static final int SHOWN_BYTES = 16;

    /** Above the byte number in each 8-byte word of the data, so that no word is zero. */
    private static final long MARK = 0xD1L << 56;

    private final StorageGuest guest;
    private final BlockDevice disk;
    private final BlindMapping mapping;
    private final int mask;
    private final long buffer;
    private final long visible;

    private HostReads(StorageGuest guest, BlindMapping mapping, int mask) throws IOException {
        this.guest = guest;
        this.mapping = mapping;
        this.mask = mask;
        if (guest.disks().size() < 2) {
            throw new IOException("the host offers no second disk");
        }
        disk = guest.disks().get(1);
        buffer = guest.memory().privatePages().allocate(STALE_BYTES, STALE_BYTES);
        visible = guest.mapper().allocateCoherent(BYTES);
    }

    /** A row for each mask, rule and offset. */
    static List<ReportRow> rows(Path socket) throws IOException {
        List<ReportRow> rows = new ArrayList<>();
        for (int mask : OffsetTable.MASKS) {
            List<BlindMapping> made = new ArrayList<>();
            GuestOptions options =
                    GuestOptions.standard(true)
                            .withStorvsc(
                                    new StorvscOptions()
                                            .scan(1, 1)
                                            .subchannels(0)
                                            .mapping((mapper, tags, maxPages) -> {
                                                made.add(new BlindMapping(mapper, tags));
                                                return made.getLast();
                                            }))
                            .withDma(DmaLimits.STORVSC.withMinAlignMask(mask));
            try (StorageGuest guest = StorageGuest.connect(socket, options)) {
                HostReads reads = new HostReads(guest, made.getFirst(), mask);
                for (OffsetRule rule : OffsetRule.values()) {
                    for (int offset : OFFSETS) {
                        rows.add(reads.run(rule, offset));
                    }
                }
                guest.mapper().freeCoherent(reads.visible, BYTES);
            }
        }
        return rows;
    }

    private ReportRow run(OffsetRule rule, int offset) throws IOException {
        leaveStaleBytes();
        MemorySegment memory = guest.memory().bytes();
        for (int at = 0; at < BYTES; at += Long.BYTES) {
            memory.set(ValueLayout.JAVA_LONG, buffer + offset + at, MARK | at);
        }
        mapping.use(rule);
        boolean refused = false;
        try {
            disk.write(0, single(buffer + offset), false);
        } catch (BlockException e) {
            refused = true;
        }
        BlindMapping.Packet packet = mapping.last();
        ReportRow row =
                new ReportRow()
                        .key("minAlignMask", mask)
                        .key("rule", rule.label())
                        .key("offset", offset)
                        .exact("dmaOffset", packet.dmaOffset())
                        .exact("rangeOffset", packet.rangeOffset());
        byte[] found = refused ? null : readBack();
        return row.exact("wrongBytes", found == null ? BYTES : wrong(found))
                .word("result", found == null ? "refused" : wrong(found) == 0 ? "right" : "wrong")
                .word("pfns", pfns(packet.pfns()))
                .word("sectors", found == null ? "" : sectors(found))
                .word("firstWrong", found == null ? "" : firstWrong(found));
    }

    /** What an I/O before this one has left in the slots. */
    private void leaveStaleBytes() {
        DmaMapper mapper = guest.mapper();
        guest.memory().bytes().asSlice(buffer, STALE_BYTES).fill(STALE);
        long dma =
                mapper.mapSingle(buffer, STALE_BYTES, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
        mapper.unmapSingle(dma, STALE_BYTES, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
    }

    private byte[] readBack() throws IOException {
        mapping.use(OffsetRule.ENTRY_ORIGINAL);
        BlindMapping.Packet sent = mapping.last();
        disk.read(0, single(visible));
        if (sent.equals(mapping.last())) {
            throw new IllegalStateException("the read did not pass the mapping");
        }
        return guest.memory().bytes().asSlice(visible, BYTES).toArray(ValueLayout.JAVA_BYTE);
    }

    private static Scatterlist single(long gpa) {
        Scatterlist list = new Scatterlist(1);
        list.add(gpa, BYTES);
        return list;
    }

    private static byte expected(int at) {
        return (byte) ((MARK | (at & -Long.BYTES)) >>> (8 * (at % Long.BYTES)));
    }

    /** Bytes of the words that are not what was written: a wrong word shares bytes by chance. */
    private static int wrong(byte[] found) {
        MemorySegment words = MemorySegment.ofArray(found);
        int wrong = 0;
        for (int at = 0; at < BYTES; at += Long.BYTES) {
            boolean right = words.get(ValueLayout.JAVA_LONG_UNALIGNED, at) == (MARK | at);
            wrong += right ? 0 : Long.BYTES;
        }
        return wrong;
    }

    /**
     * A letter for each sector: {@code =} the right one, {@code >} data of a later place of this
     * I/O, {@code <} of an earlier one, {@code 0} zeroes, {@code !} what another I/O left.
     */
    private static String sectors(byte[] found) {
        StringBuilder letters = new StringBuilder();
        MemorySegment words = MemorySegment.ofArray(found);
        for (int at = 0; at < BYTES; at += SECTOR) {
            long word = words.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            long place = word ^ MARK;
            if (word == 0) {
                letters.append('0');
            } else if (place < 0 || place >= BYTES) {
                letters.append('!');
            } else {
                letters.append(place == at ? '=' : place > at ? '>' : '<');
            }
        }
        return letters.toString();
    }

    private static String firstWrong(byte[] found) {
        for (int at = 0; at < BYTES; at++) {
            if (found[at] != expected(at)) {
                int word = at & -Long.BYTES;
                return "byte %d: expected %s, host read %s"
                        .formatted(word, hex(null, word), hex(found, word));
            }
        }
        return "";
    }

    private static String hex(byte @Nullable [] found, int from) {
        byte[] shown = new byte[Math.min(SHOWN_BYTES, BYTES - from)];
        for (int i = 0; i < shown.length; i++) {
            shown[i] = found == null ? expected(from + i) : found[from + i];
        }
        return HexFormat.ofDelimiter(" ").formatHex(shown);
    }

    /** PFNs as distances from the first. */
    private static String pfns(long[] pfns) {
        StringJoiner text = new StringJoiner(" ");
        for (long pfn : pfns) {
            text.add(pfn == pfns[0] ? "p" : "p%+d".formatted(pfn - pfns[0]));
        }
        return text.toString();
    }
}
