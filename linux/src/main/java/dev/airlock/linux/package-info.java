package dev.airlock.linux;
