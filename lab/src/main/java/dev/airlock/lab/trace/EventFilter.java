package dev.airlock.lab.trace;

import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.vmbus.message.MessageType;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which events somebody wants to see. An event passes when it passes every criterion; within one
 * criterion, one of its values is enough, and none asks for nothing. Immutable.
 *
 * <p>It looks at decoded events: the decoder must see all of a recording, since answers do not say
 * what was asked.
 */
public final class EventFilter {
    private static final Set<String> TYPES = knownTypes();

    private final @Nullable Direction direction;
    private final Set<String> types;
    private final Set<String> commands;

    private EventFilter(@Nullable Direction direction, Set<String> types, Set<String> commands) {
        this.direction = direction;
        this.types = types;
        this.commands = commands;
    }

    /**
     * A filter of what a user wrote, in either case.
     *
     * @param direction who sent it; null for either. Nobody sends a GPADL event
     * @param types {@code control}, {@code packet}, {@code gpadl}, a control message, a packet
     *     type, or a vstor operation, which stands for its completion too
     * @param opcodes a SCSI command ({@code READ(10)}; {@code READ} is all of its lengths) or an
     *     operation code ({@code 0x28}): SRBs and their completions
     * @throws IllegalArgumentException with a line for the user, if a name is none
     */
    public static EventFilter of(
            @Nullable Direction direction, List<String> types, List<String> opcodes) {
        Set<String> wantedTypes = new HashSet<>();
        for (String type : types) {
            String name = type.strip().toUpperCase(Locale.ROOT);
            if (!TYPES.contains(name)) {
                throw new IllegalArgumentException(
                        type
                                + ": no such event: control, packet, gpadl, or a name as decode shows"
                                + " it, as OPEN_CHANNEL, COMPLETION, EXECUTE_SRB");
            }
            wantedTypes.add(name);
        }
        Set<String> wantedCommands = new HashSet<>();
        for (String opcode : opcodes) {
            wantedCommands.add(command(opcode));
        }
        return new EventFilter(direction, wantedTypes, wantedCommands);
    }

    /** Whether somebody wants to see this event. */
    public boolean passes(DecodedEvent event) {
        return (direction == null || direction == event.direction())
                && (types.isEmpty() || isOfType(event))
                && (commands.isEmpty() || isOfCommand(event));
    }

    private boolean isOfType(DecodedEvent event) {
        return types.contains(event.kind().toUpperCase(Locale.ROOT))
                || event.name() != null && types.contains(event.name())
                || event.value(VstorDecoder.OPERATION) instanceof String operation
                        && types.contains(operation)
                || event.value(VstorDecoder.REQUEST) instanceof String request
                        && types.contains(request);
    }

    private boolean isOfCommand(DecodedEvent event) {
        return event.value(VstorDecoder.COMMAND) instanceof String command
                        && (commands.contains(command) || commands.contains(withoutLength(command)))
                || event.value(VstorDecoder.OPCODE) instanceof String opcode
                        && commands.contains(opcode);
    }

    /** A name as {@link ScsiCommand#text} has it, or a number as the field has it. */
    private static String command(String text) {
        String name = text.strip().toUpperCase(Locale.ROOT);
        for (ScsiCommand command : ScsiCommand.values()) {
            if (name.equals(command.text()) || name.equals(withoutLength(command.text()))) {
                return name;
            }
        }
        try {
            int opcode = Integer.decode(name.toLowerCase(Locale.ROOT));
            if (opcode >= 0 && opcode <= 0xFF) {
                return DecodedEvent.Builder.hex(opcode);
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IllegalArgumentException(
                text + ": no such SCSI command: a name as READ(10) or READ, or a code as 0x28");
    }

    private static String withoutLength(String command) {
        int bracket = command.indexOf('(');
        return bracket < 0 ? command : command.substring(0, bracket);
    }

    private static Set<String> knownTypes() {
        Set<String> known = new HashSet<>(Set.of("CONTROL", "PACKET", "GPADL"));
        for (MessageType type : MessageType.values()) {
            known.add(type.name());
        }
        known.addAll(PacketDecoder.typeNames());
        for (int i = VstorOperation.COMPLETE_IO; i <= VstorOperation.CREATE_SUB_CHANNELS; i++) {
            known.add(VstorOperation.name(i));
        }
        return known;
    }
}
