package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaStatistics;
import dev.airlock.dma.Scatterlist;
import dev.airlock.lab.bench.Sample;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * Both drivers, isolated and not, with every page size, layout and size of I/O, against one host.
 * What can be counted is counted once, over a few I/Os; what takes time is measured in rounds, all
 * cells once, then all again, the two drivers next to each other. One thread.
 */
final class Matrix implements AutoCloseable {
    static final List<Integer> SIZES =
            List.of(512, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20);
    static final List<Integer> GUEST_PAGES = List.of(4 << 10, 16 << 10, 64 << 10);

    private static final int COUNTED_IOS = 16;
    private static final int BYTES_IN_FLIGHT = 4 << 20;
    private static final int QUEUE_DEPTH = 16;
    private static final int LOOP_BYTES = 1 << 20;
    private static final long BUFFER_BYTES = 8L << 20;

    private final LabOptions options;
    private final Map<LabGuest.Kind, LabGuest> guests = new LinkedHashMap<>();
    private final Map<LabGuest.Kind, Map<Layout, Integer>> largest = new LinkedHashMap<>();
    private final Map<Cell, ReportRow> rows = new LinkedHashMap<>();
    private final Map<Cell, List<Round>> rounds = new LinkedHashMap<>();

    private record Cell(LabGuest.Kind kind, Layout layout, int bytes) {}

    private record Round(MapLoop.Cost cost, PathLoop.Figures alone, PathLoop.Figures many) {}

    private Matrix(LabOptions options) {
        this.options = options;
    }

    /** Attaches all the guests. */
    static Matrix attach(Path socket, LabOptions options) throws IOException {
        Matrix matrix = new Matrix(options);
        boolean done = false;
        try {
            for (int page : GUEST_PAGES) {
                for (boolean isolated : new boolean[] {true, false}) {
                    for (Way way : Way.values()) {
                        LabGuest.Kind kind = new LabGuest.Kind(isolated, way, page);
                        matrix.guests.put(kind, LabGuest.attach(socket, kind, BUFFER_BYTES));
                    }
                }
            }
            done = true;
            return matrix;
        } finally {
            if (!done) {
                matrix.close();
            }
        }
    }

    /** How often {@link #run} tells of its progress. */
    static int steps(LabOptions options) {
        int cells = 2 * Way.values().length * GUEST_PAGES.size() * Layout.values().length;
        return cells * SIZES.size() * (options.rounds() + (options.warmUp() ? 1 : 0));
    }

    /**
     * Measures.
     *
     * @param told learns what comes next
     */
    List<ReportRow> run(Consumer<String> told) throws IOException, InterruptedException {
        if (options.warmUp()) {
            round(told);
            rounds.clear();
        }
        for (Cell cell : cells()) {
            rows.put(cell, count(cell));
        }
        for (int round = 0; round < options.rounds(); round++) {
            round(told);
        }
        rows.forEach(this::addTimes);
        return List.copyOf(rows.values());
    }

    private List<Cell> cells() {
        List<Cell> cells = new ArrayList<>();
        for (int page : GUEST_PAGES) {
            for (Layout layout : Layout.values()) {
                for (int bytes : SIZES) {
                    for (boolean isolated : new boolean[] {true, false}) {
                        for (Way way : Way.values()) {
                            LabGuest.Kind kind = new LabGuest.Kind(isolated, way, page);
                            cells.add(new Cell(kind, layout, bytes));
                        }
                    }
                }
            }
        }
        return cells;
    }

    private LabGuest guest(Cell cell) {
        LabGuest guest = guests.get(cell.kind());
        if (guest == null) {
            throw new IllegalStateException("no guest for " + cell);
        }
        return guest;
    }

    private void round(Consumer<String> told) throws IOException, InterruptedException {
        for (Cell cell : cells()) {
            told.accept(name(cell));
            LabGuest guest = guest(cell);
            BlockDevice disk = guest.disk();
            int depth = Math.clamp(BYTES_IN_FLIGHT / cell.bytes(), 1, QUEUE_DEPTH);
            int loop = Math.clamp(LOOP_BYTES / cell.bytes(), 1, QUEUE_DEPTH);
            MapLoop.Cost cost =
                    new MapLoop(
                                    guest.guest().mapper(),
                                    cell.kind().way(),
                                    options.direction(),
                                    guest.buffers(cell.layout(), cell.bytes(), loop),
                                    disk.maxTransferBytes())
                            .measure(options.mapNanos());
            PathLoop.Figures alone = path(guest, cell, 1);
            PathLoop.Figures many = path(guest, cell, depth);
            rounds.computeIfAbsent(cell, absent -> new ArrayList<>())
                    .add(new Round(cost, alone, many));
        }
    }

    private PathLoop.Figures path(LabGuest guest, Cell cell, int depth)
            throws IOException, InterruptedException {
        List<Scatterlist> buffers = guest.buffers(cell.layout(), cell.bytes(), depth);
        long nanos = options.pathNanos();
        return new PathLoop(guest.disk(), options, buffers).run(nanos / 6, nanos);
    }

    /** A few I/Os through the whole path, with every counter. */
    private ReportRow count(Cell cell) throws IOException {
        LabGuest guest = guest(cell);
        Scatterlist buffer = guest.buffers(cell.layout(), cell.bytes(), 1).getFirst();
        BlockRequest request = new BlockRequest();
        DmaStatistics before = guest.guest().mapper().statistics();
        guest.meter().start();
        for (int i = 0; i < COUNTED_IOS; i++) {
            if (options.write()) {
                request.write(0, buffer, false);
            } else {
                request.read(0, buffer);
            }
            guest.disk().execute(request);
        }
        MappingMeter.Counts counts = guest.meter().stop();
        DmaStatistics after = guest.guest().mapper().statistics();
        long bounced = after.bouncedMappings() - before.bouncedMappings();
        long in = after.bytesBouncedIn() - before.bytesBouncedIn();
        long out = after.bytesBouncedOut() - before.bytesBouncedOut();
        return key(cell)
                .exact("commands", perIo(counts.commands()))
                .exact("mapCalls", perIo(counts.mapCalls()))
                .exact("ranges", perIo(after.mappings() - before.mappings()))
                .exact("copies", perIo((in > 0 ? bounced : 0) + (out > 0 ? bounced : 0)))
                .exact("copiedBytes", perIo(in + out))
                .exact("slots", perIo(after.slotsTaken() - before.slotsTaken()))
                .exact("wastedBytes", perIo(after.slotBytesWasted() - before.slotBytesWasted()))
                .exact("packetBytes", perIo(counts.packetBytes()))
                .exact("largestCommandBytes", largest(cell));
    }

    private static double perIo(long count) {
        return (double) count / COUNTED_IOS;
    }

    private int largest(Cell cell) throws IOException {
        Map<Layout, Integer> known =
                largest.computeIfAbsent(cell.kind(), absent -> new LinkedHashMap<>());
        Integer bytes = known.get(cell.layout());
        if (bytes == null) {
            bytes = LargestCommand.find(guest(cell), cell.layout(), options.write());
            known.put(cell.layout(), bytes);
        }
        return bytes;
    }

    private void addTimes(Cell cell, ReportRow row) {
        List<Round> all = rounds.getOrDefault(cell, List.of());
        row.figure("mapNs", sample(all, round -> round.cost().mapNs()))
                .figure("unmapNs", sample(all, round -> round.cost().unmapNs()))
                .figure(
                        "mappingNs",
                        sample(all, round -> round.cost().mapNs() + round.cost().unmapNs()))
                .figure("mapAllocatedBytes", sample(all, round -> round.cost().allocatedBytes()))
                .figure("latencyP50Us", sample(all, round -> round.alone().p50Us()))
                .figure("latencyP99Us", sample(all, round -> round.alone().p99Us()))
                .figure("iops", sample(all, round -> round.many().iops()))
                .figure("pathAllocatedBytes", sample(all, round -> round.many().allocatedBytes()))
                .figure("iopsAgainstPerPagePercent", againstPerPage(cell, all));
    }

    /** Round by round, as the two drivers were measured next to each other. */
    private Sample againstPerPage(Cell cell, List<Round> all) {
        LabGuest.Kind kind = cell.kind();
        LabGuest.Kind perPage =
                new LabGuest.Kind(kind.isolated(), Way.PER_PAGE, kind.guestPageBytes());
        List<Round> others =
                rounds.getOrDefault(new Cell(perPage, cell.layout(), cell.bytes()), List.of());
        double[] percent = new double[all.size()];
        for (int i = 0; i < percent.length; i++) {
            percent[i] = 100 * (all.get(i).many().iops() / others.get(i).many().iops() - 1);
        }
        return Sample.of(percent);
    }

    private static Sample sample(List<Round> rounds, ToDoubleFunction<Round> figure) {
        return Sample.of(rounds.stream().mapToDouble(figure).toArray());
    }

    private static ReportRow key(Cell cell) {
        return new ReportRow()
                .key("isolated", cell.kind().isolated())
                .key("guestPageBytes", cell.kind().guestPageBytes())
                .key("layout", cell.layout().label())
                .key("bytes", cell.bytes())
                .key("way", cell.kind().way().label());
    }

    private static String name(Cell cell) {
        return "%s, %s, %s, %d bytes"
                .formatted(
                        cell.kind().isolated() ? "isolated" : "not isolated",
                        cell.kind().way().label(),
                        cell.layout().label(),
                        cell.bytes());
    }

    @Override
    public void close() {
        guests.values().forEach(LabGuest::close);
        guests.clear();
    }
}
