package dev.airlock.lab.trace;

/**
 * Decodes the events of one recording, in their order: it remembers what was asked, since answers
 * do not say it. Memory is bounded whatever the recording holds. For one thread.
 *
 * <p>All that Linux {@code include/linux/hyperv.h} and {@code drivers/scsi/storvsc_drv.c} define is
 * known, of every protocol version; what is cut off, contradicts itself or has an unknown number is
 * not decodable. Commands, status codes and GUIDs without a name are shown as numbers.
 */
public final class TraceDecoder {
    private final ControlDecoder controls = new ControlDecoder();
    private final PacketDecoder packets = new PacketDecoder();

    /**
     * Decodes an event.
     *
     * @throws TraceException when it cannot be decoded; the next event may be
     */
    public DecodedEvent decode(TraceEvent event) throws TraceException {
        return switch (event) {
            case TraceEvent.Control control -> controls.decode(control);
            case TraceEvent.Packet packet -> packets.decode(packet);
            case TraceEvent.Gpadl gpadl ->
                    new DecodedEvent.Builder()
                            .add("pages", gpadl.pages())
                            .add("visible", gpadl.visible())
                            .notes(gpadl.notes())
                            .build(gpadl.line(), null, "gpadl", null);
        };
    }
}
