package dev.airlock.storvsc;
