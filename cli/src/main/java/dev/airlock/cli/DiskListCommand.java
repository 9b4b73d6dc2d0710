package dev.airlock.cli;

import dev.airlock.disk.ByteSize;
import dev.airlock.storvsp.server.ControlClient;
import dev.airlock.storvsp.server.DiskStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code airlock disk-list}: the disks of a running host. */
@Command(
        name = "disk-list",
        description = "List the disks of a running host.",
        mixinStandardHelpOptions = true)
final class DiskListCommand implements Callable<Integer> {
    @Mixin private ControlOption control = new ControlOption();

    @Option(names = "--json", description = "one JSON object")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        List<DiskStatus> disks;
        try (ControlClient client = control.connect()) {
            disks = client.disks();
        }
        if (json) {
            Json.print(Map.of("disks", disks.stream().map(DiskListCommand::fields).toList()));
            return 0;
        }
        TextTable table = new TextTable("LUN", "name", "size", "sector", "mode", "guests", "disk");
        for (DiskStatus disk : disks) {
            table.row(
                    String.valueOf(disk.lun()),
                    disk.name(),
                    ByteSize.format(disk.sizeBytes()),
                    String.valueOf(disk.sectorBytes()),
                    mode(disk),
                    disk.guests().isEmpty() ? "-" : String.join(" ", disk.guests()),
                    disk.spec());
        }
        System.out.print(table.render());
        return 0;
    }

    private static String mode(DiskStatus disk) {
        List<String> words = new ArrayList<>();
        words.add(disk.readOnly() ? "ro" : "rw");
        if (disk.shared()) {
            words.add("shared");
        }
        return String.join(",", words);
    }

    private static Map<String, Object> fields(DiskStatus disk) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("lun", disk.lun());
        fields.put("name", disk.name());
        fields.put("disk", disk.spec());
        fields.put("sizeBytes", disk.sizeBytes());
        fields.put("sectorBytes", disk.sectorBytes());
        fields.put("readOnly", disk.readOnly());
        fields.put("shared", disk.shared());
        fields.put("guests", disk.guests());
        return fields;
    }
}
