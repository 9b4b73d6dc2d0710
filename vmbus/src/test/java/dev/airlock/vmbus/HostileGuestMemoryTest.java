package dev.airlock.vmbus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.EventFd;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.vmbus.host.HostBusEvent;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostDevice;
import dev.airlock.vmbus.host.HostLimits;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory, rings and doorbells as a guest may hand them over, and what the host makes of them. */
@Timeout(30)
class HostileGuestMemoryTest {
    private static final int OK = ControlMessage.STATUS_SUCCESS;
    private static final int INVALID = ControlMessage.STATUS_INVALID_PARAMETER;

    private final EchoDevice device = new EchoDevice(1);

    @Test
    void shouldRunRingsOnScatteredPages() throws Exception {
        try (RawGuest guest = new RawGuest(device).connected()) {
            // Control and data pages of both rings, backwards and with holes.
            long[] pfns = {40, 7, 33, 2, 61, 5, 12, 9};
            assertThat(guest.gpadl(1, 5, pfns)).isEqualTo(OK);
            guest.ringDoorbells(1);
            assertThat(guest.open(1, 5, 4)).isEqualTo(OK);
            MemorySegment ring = gather(guest, pfns, 0);
            MemorySegment packet = Arena.ofAuto().allocate(8000, 8);
            PacketDescriptor.encode(packet, 0, 6, 16, 8000, 0, 77);
            packet.asSlice(16).fill((byte) 0x5A);
            // Written in a copy, then spread over the pages, control page last.
            RingWriter inCopy = new RingWriter(ring);
            assertThat(inCopy.write(packet, 0, 8000)).isTrue();
            inCopy.publish();
            for (int i = 3; i >= 0; i--) {
                guest.memory
                        .segment()
                        .asSlice(pfns[i] * 4096, 4096)
                        .copyFrom(ring.asSlice(i * 4096L, 4096));
            }
            guest.toHost().signal();
            HostChannel channel = requireNonNull(device.opened.poll(5, TimeUnit.SECONDS));
            while (gather(guest, pfns, 4).get(RingLayout.U32, RingLayout.WRITE_INDEX_OFFSET) == 0) {
                Thread.onSpinWait();
            }
            RingReader in = new RingReader(gather(guest, pfns, 4));
            MemorySegment answer = Arena.ofAuto().allocate(8000, 8);
            assertThat(in.read(answer, 0, 8000)).isEqualTo(8000);
            assertThat(answer.asSlice(16).mismatch(packet.asSlice(16))).isEqualTo(-1);
            assertThat(channel.in().isFailed()).isFalse();
        }
    }

    @Test
    void shouldRefuseMemoryThatIsNotSealedMemory() throws IOException {
        try (RawGuest guest =
                        new RawGuest(
                                new HostLimits(1, 4, 4, 64, new HostMemoryLimits(2, 1000, 16, 16)),
                                device);
                EventFd event = EventFd.create()) {
            guest.connected();
            guest.frames.sendRegion(1 << 20, 4096, event.fd(), 0);
            guest.frames.sendRegion(0, 4096, guest.memfd, 0);
            guest.frames.sendRegion(1 << 20, 4096, guest.memfd, RawGuest.PAGES * 4096L);
            guest.frames.sendRegion(4095, 4096, guest.memfd, 0);
            guest.frames.sendRegion(-4096, 8192, guest.memfd, 0);
            assertThat(guest.dropped(HostBusEvent.REGION_REFUSED)).isEqualTo(5);
            guest.frames.sendRegion(1 << 20, 4096, guest.memfd, 0);
            assertThat(guest.dropped(HostBusEvent.REGION_REFUSED)).isEqualTo(5);
            guest.frames.sendRegion(1 << 21, 4096, guest.memfd, 0);
            assertThat(guest.dropped(HostBusEvent.REGION_REFUSED)).isEqualTo(6);
            assertThat(guest.host.memory().visiblePageCount()).isEqualTo(RawGuest.PAGES + 1);
        }
    }

    @Test
    void shouldRefuseDoorbellsThatAreNone() throws IOException {
        try (RawGuest guest = new RawGuest(device).connected();
                EventFd event = EventFd.create()) {
            guest.frames.sendDoorbells(1, event.fd(), guest.memfd);
            guest.frames.sendDoorbells(1, guest.memfd, event.fd());
            guest.frames.sendDoorbells(42, event.fd(), event.fd());
            assertThat(guest.dropped(HostBusEvent.DOORBELLS_REFUSED)).isEqualTo(3);
            assertThat(guest.gpadl(1, 5, 0, 1, 2, 3)).isEqualTo(OK);
            assertThat(guest.open(1, 5, 2)).isEqualTo(INVALID);
        }
    }

    @Test
    void shouldEndAChannelWhoseDoorbellTheGuestBlocks() throws Exception {
        CountDownLatch ringing = new CountDownLatch(1);
        AtomicInteger rings = new AtomicInteger();
        BlockingQueue<Thread> ringers = new LinkedBlockingQueue<>();
        HostDevice ringer =
                new HostDevice() {
                    @Override
                    public Offer offer() {
                        return Offer.of(Offer.SCSI_INTERFACE, new Guid(9, 9));
                    }

                    @Override
                    public void opened(HostChannel channel) {
                        ringers.add(
                                Thread.ofPlatform()
                                        .daemon()
                                        .start(() -> {
                                            while (channel.isOpen()) {
                                                ringing.countDown();
                                                channel.signalGuest();
                                                rings.incrementAndGet();
                                            }
                                        }));
                    }

                    @Override
                    public void closed(HostChannel channel) {
                        try {
                            ringers.take().join();
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        }
                    }
                };
        try (RawGuest guest = new RawGuest(ringer).connected()) {
            assertThat(guest.gpadl(1, 5, 0, 1, 2, 3)).isEqualTo(OK);
            guest.ringDoorbells(1);
            // Only once the host has adopted it, which makes it non-blocking.
            guest.expectSilence();
            BlockingEventFd.saturate(guest.toGuest());
            assertThat(guest.open(1, 5, 2)).isEqualTo(OK);
            ringing.await();
            Thread blocked = requireNonNull(ringers.peek());
            guest.post(new CloseChannel(1));
            guest.expectSilence();
            assertThat(blocked.isAlive()).isFalse();
            assertThat(rings.get()).as("the one ring that hung").isEqualTo(1);
            assertThat(guest.host.statistics().get(HostBusEvent.CHANNEL_CLOSED)).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"8,0", "8,1", "8,7", "8,8", "8,-1", "8,2147483647", "3,2", "1,0"})
    void shouldRefuseRingsOfImpossibleSizes(int pages, int downstream) throws IOException {
        try (RawGuest guest = new RawGuest(device).connected()) {
            assertThat(guest.gpadl(1, 5, LongStream.range(0, pages).toArray())).isEqualTo(OK);
            guest.ringDoorbells(1);
            assertThat(guest.open(1, 5, downstream)).isEqualTo(INVALID);
            assertThat(device.opened).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {RawGuest.PAGES, -1, Long.MIN_VALUE, 1L << 52})
    void shouldRefuseRingsOnPagesThatAreNotVisible(long pfn) throws IOException {
        try (RawGuest guest = new RawGuest(device).connected()) {
            assertThat(guest.gpadl(1, 5, 0, 1, 2, pfn)).isEqualTo(OK);
            guest.ringDoorbells(1);
            assertThat(guest.open(1, 5, 2)).isEqualTo(INVALID);
            assertThat(guest.reports.getLast()).contains("page is not visible");
        }
    }

    @Test
    void shouldLeaveNoDescriptorBehindWhateverWasHandedOver() throws Exception {
        shouldRefuseDoorbellsThatAreNone();
        long before = Descriptors.open();
        shouldRefuseDoorbellsThatAreNone();
        shouldRefuseMemoryThatIsNotSealedMemory();
        shouldRefuseRingsOfImpossibleSizes(8, 7);
        shouldRefuseRingsOnPagesThatAreNotVisible(-1);
        assertThat(Descriptors.open()).isEqualTo(before);
    }

    /** A copy of the four pages of one ring, in ring order. */
    private static MemorySegment gather(RawGuest guest, long[] pfns, int from) {
        MemorySegment copy = Arena.ofAuto().allocate(4 * 4096, 8);
        for (int i = 0; i < 4; i++) {
            copy.asSlice(i * 4096L, 4096)
                    .copyFrom(guest.memory.segment().asSlice(pfns[from + i] * 4096, 4096));
        }
        return copy;
    }
}
