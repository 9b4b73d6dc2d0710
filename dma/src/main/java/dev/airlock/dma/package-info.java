package dev.airlock.dma;
