package dev.airlock.scsi;
