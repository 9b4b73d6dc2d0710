package dev.airlock.scsitarget;

import dev.airlock.scsi.ReportLuns;
import dev.airlock.scsi.ScsiCommand;

/** REPORT LUNS (SPC-4 section 6.35), answered for any LUN of a target, there or not. */
final class ReportLunsCommand {

    private static final int SELECT_REPORT_AT = 2;

    private ReportLunsCommand() {}

    static void execute(ScsiTask task, Nexus nexus, int path, int target) {
        int select = task.cdb(SELECT_REPORT_AT);
        if (select > ReportLuns.SELECT_ALL) {
            task.invalidField(SELECT_REPORT_AT, -1);
            return;
        }
        int luns =
                select == ReportLuns.SELECT_WELL_KNOWN
                        ? 0
                        : nexus.writeLuns(path, target, task.scratch());
        ReportLuns.writeHeader(task.scratch(), 0, luns);
        nexus.clearAttention(path, target, UnitAttention.REPORTED_LUNS_CHANGED);
        task.respond(ReportLuns.bytes(luns), ScsiCommand.REPORT_LUNS.count(task.cdb(), 0));
    }
}
