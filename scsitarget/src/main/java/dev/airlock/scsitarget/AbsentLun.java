package dev.airlock.scsitarget;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.BigEndian;
import dev.airlock.scsi.InquiryData;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VpdPage;

/**
 * What is answered where there is no unit (SPC-4 section 6.6.1, SAM-5 section 5.11), in the way
 * that the Linux driver needs: it turns a failed INQUIRY into success, so the data themselves must
 * say that nothing is there; and it takes {@link SrbStatus#INVALID_LUN} as word that the device of
 * path 0 is gone, whatever the path.
 */
final class AbsentLun {

    private AbsentLun() {}

    static void execute(ScsiTask task, Nexus nexus, int path, int target, int lun) {
        ScsiCommand command = ScsiCommand.of(task.cdb(0), task.cdb(1));
        switch (command) {
            case INQUIRY -> inquiry(task, command);
            case REPORT_LUNS -> ReportLunsCommand.execute(task, nexus, path, target);
            case REQUEST_SENSE -> requestSense(task, command);
            case null, default -> {
                if (path != 0 && nexus.find(0, target, lun) != null) {
                    task.checkCondition(
                            SenseKey.ILLEGAL_REQUEST, AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED);
                } else {
                    task.noUnit(SrbStatus.INVALID_LUN);
                }
            }
        }
    }

    private static void inquiry(ScsiTask task, ScsiCommand command) {
        boolean vpd = (task.cdb(1) & 0x01) != 0;
        InquiryData.write(
                task.scratch(), 0, InquiryData.NO_DEVICE, LogicalUnitOptions.VENDOR, "", "");
        if (vpd) {
            VpdPage.writeHeader(task.scratch(), 0, task.cdb(2), VpdPage.HEADER_BYTES);
            BigEndian.u8(task.scratch(), 0, InquiryData.NO_DEVICE);
        }
        task.respond(vpd ? VpdPage.HEADER_BYTES : InquiryData.BYTES, command.count(task.cdb(), 0));
    }

    private static void requestSense(ScsiTask task, ScsiCommand command) {
        Sense.write(
                task.scratch(),
                0,
                SenseKey.ILLEGAL_REQUEST,
                AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED);
        task.respond(Sense.BYTES, command.count(task.cdb(), 0));
    }
}
