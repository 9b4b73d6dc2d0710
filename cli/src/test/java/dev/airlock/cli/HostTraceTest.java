package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskSpec;
import dev.airlock.dma.Scatterlist;
import dev.airlock.lab.trace.Direction;
import dev.airlock.lab.trace.TraceEvent;
import dev.airlock.lab.trace.TraceReader;
import dev.airlock.lab.trace.TraceWriter;
import dev.airlock.memory.HvPage;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostTraceTest {
    @TempDir private Path folder = Path.of("");

    @Test
    void shouldRecordWhatCrossesTheBoundarySoThatItCanBeReadAgain() throws Exception {
        Path file = folder.resolve("trace");
        List<String> failures = new ArrayList<>();
        try (TraceWriter writer = TraceWriter.create(file, failures::add);
                StorageHost host =
                        StorageHost.start(
                                new HostOptions()
                                        .socket(folder.resolve("host.sock"))
                                        .dropPrivileges(false)
                                        .disk(DiskSpec.parse("mem:64M"))
                                        .tap(writer));
                StorageGuest guest =
                        StorageGuest.connect(
                                folder.resolve("host.sock"), GuestOptions.standard(true))) {
            BlockDevice disk = guest.disks().getFirst();
            long buffer = guest.memory().privatePages().allocate(HvPage.SIZE, HvPage.SIZE);
            Scatterlist list = new Scatterlist(1);
            list.add(buffer, HvPage.SIZE);
            disk.read(0, list);
            assertThat(host).isNotNull();
        }
        List<TraceEvent> events = TraceReader.readAll(file);
        assertThat(failures).isEmpty();
        assertThat(events).anyMatch(event -> event instanceof TraceEvent.Gpadl);
        assertThat(events)
                .anyMatch(event ->
                        event instanceof TraceEvent.Control control
                                && control.direction() == Direction.HOST_TO_GUEST);
        List<TraceEvent.Packet> requests = packets(events, Direction.GUEST_TO_HOST);
        List<TraceEvent.Packet> answers = packets(events, Direction.HOST_TO_GUEST);
        assertThat(requests).hasSameSizeAs(answers).hasSizeGreaterThan(5);
        assertThat(requests)
                .allSatisfy(packet -> {
                    TraceEvent.Visible visible = Objects.requireNonNull(packet.visible());
                    assertThat(visible.visible()).isEqualTo(visible.total());
                });
    }

    private static List<TraceEvent.Packet> packets(List<TraceEvent> events, Direction direction) {
        List<TraceEvent.Packet> packets = new ArrayList<>();
        for (TraceEvent event : events) {
            if (event instanceof TraceEvent.Packet packet && packet.direction() == direction) {
                packets.add(packet);
            }
        }
        return packets;
    }
}
