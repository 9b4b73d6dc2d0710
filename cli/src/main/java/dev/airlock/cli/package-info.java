package dev.airlock.cli;
