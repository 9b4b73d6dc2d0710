package dev.airlock.scsitarget;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.memory.IoVector;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsi.VstorText;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * Referee: the commands that a real driver sent get the status, and where the target has no say the
 * length, that it got.
 */
class TraceTest {

    private static final int DISK_BLOCKS = (64 << 20) / 512;

    /** Their lengths follow from the CDB or from which units there are. */
    private static final Set<ScsiCommand> LENGTH_GIVEN =
            Set.of(
                    ScsiCommand.READ_10,
                    ScsiCommand.WRITE_10,
                    ScsiCommand.TEST_UNIT_READY,
                    ScsiCommand.REPORT_LUNS,
                    ScsiCommand.READ_CAPACITY_16);

    private final ScsiTask task = new ScsiTask();
    private final MemorySegment memory = Arena.ofAuto().allocate(4 << 20, 4096);
    private final IoVector data = new IoVector(1);

    private static List<Path> traces() throws IOException {
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            Path folder = up.resolve("shared/traces");
            if (Files.isDirectory(folder)) {
                try (Stream<Path> files = Files.list(folder)) {
                    return files.filter(file -> file.toString().endsWith(".txt")).toList();
                }
            }
        }
        Assumptions.abort("no recordings: ../shared/traces is absent");
        return List.of();
    }

    @Test
    void shouldAnswerTheRecordedCommandsAsRecorded() throws IOException {
        int commands = 0;
        for (Path file : traces()) {
            TestGuest guest = TestGuest.withBlocks(512, DISK_BLOCKS);
            Map<Long, byte[]> requests = new HashMap<>();
            for (String line : Files.readAllLines(file, US_ASCII)) {
                String[] words = line.split(" ");
                if (!words[0].equals("guest>host") && !words[0].equals("host>guest")) {
                    continue;
                }
                byte[] packet = HexFormat.of().parseHex(words[words.length - 1]);
                int payloadAt = (packet[2] & 0xFF) * 8;
                long id = ByteBuffer.wrap(packet).order(ByteOrder.LITTLE_ENDIAN).getLong(8);
                byte[] payload = Arrays.copyOfRange(packet, payloadAt, packet.length);
                if (words[0].equals("guest>host")) {
                    requests.put(id, payload);
                } else {
                    byte[] request = requests.remove(id);
                    assertThat(request).as(line).isNotNull();
                    commands +=
                            compare(
                                    guest,
                                    MemorySegment.ofArray(request),
                                    MemorySegment.ofArray(payload));
                }
            }
        }
        assertThat(commands).isPositive();
    }

    private int compare(TestGuest guest, MemorySegment request, MemorySegment recorded) {
        if (VstorPacket.operation(request, 0) != VstorOperation.EXECUTE_SRB) {
            return 0;
        }
        data.clear();
        data.add(memory, 0, VstorSrb.dataTransferLength(request, 0));
        guest.nexus.execute(
                VstorSrb.path(request, 0),
                VstorSrb.target(request, 0),
                VstorSrb.lun(request, 0),
                request,
                VstorSrb.CDB_OFFSET,
                VstorSrb.cdbLength(request, 0),
                VstorSrb.direction(request, 0),
                data,
                task);
        String text = VstorText.describe(request, 0, VstorPacket.BYTES, 0);
        assertThat(task.srbStatus()).as(text).isEqualTo(VstorSrb.srbStatus(recorded, 0));
        assertThat(task.scsiStatus()).as(text).isEqualTo(VstorSrb.scsiStatus(recorded, 0));
        ScsiCommand command = ScsiCommand.of(request, VstorSrb.CDB_OFFSET);
        if (command != null && LENGTH_GIVEN.contains(command)) {
            assertThat(task.transferredBytes())
                    .as(text)
                    .isEqualTo(VstorSrb.dataTransferLength(recorded, 0));
        }
        return 1;
    }
}
