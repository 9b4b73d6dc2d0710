package dev.airlock.scsitarget;
