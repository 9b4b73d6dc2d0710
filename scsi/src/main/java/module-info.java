@org.jspecify.annotations.NullMarked
module dev.airlock.scsi {
    requires static org.jspecify;
}
