/** Formats of SCSI and of the vstor protocol, for both sides of the trust boundary. */
@org.jspecify.annotations.NullMarked
module dev.airlock.scsi {
    requires static org.jspecify;

    exports dev.airlock.scsi;
}
