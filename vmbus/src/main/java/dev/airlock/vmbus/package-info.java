package dev.airlock.vmbus;
