package dev.airlock.storvsp;
