package dev.airlock.memory;
