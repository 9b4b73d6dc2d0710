package dev.airlock.disk;
