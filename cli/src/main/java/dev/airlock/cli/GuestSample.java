package dev.airlock.cli;

/**
 * One job of fio in a guest.
 *
 * @param fio what it measured
 * @param counts what the VMM did meanwhile
 */
record GuestSample(FioResult fio, GuestCounts counts) {
    double returnsPerIo() {
        return counts.allReturns() / fio.operations();
    }

    double returnsPerIo(String reason) {
        return counts.returns().getOrDefault(reason, 0L) / fio.operations();
    }

    double hypercallsPerIo() {
        return counts.allHypercalls() / fio.operations();
    }

    double interruptsPerIo() {
        return counts.interrupts() / fio.operations();
    }
}
