package dev.airlock.vmbus.service;

/** What is known of a guest's life by its heartbeat. */
public enum Heartbeat {
    /** It has never answered: no driver for it, or too early. */
    NONE,
    /** It answers. */
    OK,
    /** It answered once, and for ten seconds has not. */
    LOST
}
