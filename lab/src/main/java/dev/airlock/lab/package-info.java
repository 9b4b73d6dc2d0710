package dev.airlock.lab;
