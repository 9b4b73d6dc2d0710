package dev.airlock.storvsc;

import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ReportLuns;
import dev.airlock.scsi.ScsiCommand;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Finds the disks behind the adapter: REPORT LUNS on each path and target, then {@link LunProbe} on
 * each LUN that is named. A target that does not answer REPORT LUNS is asked for LUN 0.
 * Single-threaded.
 */
final class LunScanner {
    private final ScsiCommander commander;
    private final LunProbe probe;
    private final int paths;
    private final int targets;

    /**
     * @param paths paths to look at, from 0; Linux: {@code STORVSC_MAX_CHANNELS}
     * @param targets targets to look at on each path; Linux: {@code STORVSC_MAX_TARGETS}
     */
    LunScanner(ScsiCommander commander, int paths, int targets) {
        this.commander = commander;
        this.probe = new LunProbe(commander);
        this.paths = paths;
        this.targets = targets;
    }

    /** The disks that are there now, in the order of their addresses. */
    Map<LunAddress, LunFacts> scan() throws IOException {
        Map<LunAddress, LunFacts> found = new LinkedHashMap<>();
        for (int path = 0; path < paths; path++) {
            for (int target = 0; target < targets; target++) {
                for (int lun : reportLuns(path, target)) {
                    LunFacts facts = probe.probe(new LunAddress(path, target, lun));
                    if (facts != null) {
                        found.put(facts.address(), facts);
                    }
                }
            }
        }
        return found;
    }

    private int[] reportLuns(int path, int target) throws IOException {
        LunAddress lun0 = new LunAddress(path, target, 0);
        int room = ScsiCommander.MAX_DATA_BYTES;
        ScsiRequest request = commander.prepare(lun0, ScsiCommand.REPORT_LUNS.cdbBytes(), room);
        request.tagged(false);
        Cdb.encode(request.cdb(), 0, ScsiCommand.REPORT_LUNS, 0, room);
        int bytes = commander.run();
        if (bytes < 0) {
            return CommandResult.isLunAbsent(request) ? new int[0] : new int[1];
        }
        int count = ReportLuns.count(commander.data(), 0, bytes);
        // The host may repeat itself or name what an SRB cannot; both fall away here.
        boolean[] named = new boolean[256];
        int distinct = 0;
        for (int i = 0; i < count; i++) {
            int lun = ReportLuns.lun(commander.data(), 0, i);
            if (lun >= 0 && lun < named.length && !named[lun]) {
                named[lun] = true;
                distinct++;
            }
        }
        int[] luns = new int[distinct];
        for (int lun = 0, next = 0; lun < named.length; lun++) {
            if (named[lun]) {
                luns[next++] = lun;
            }
        }
        return luns;
    }
}
