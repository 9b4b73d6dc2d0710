package dev.airlock.vmm.console;

/**
 * Tells the console's own keys from those for the guest: Ctrl-A x ends the program, Ctrl-A Ctrl-A
 * is one Ctrl-A for the guest; Ctrl-A with any other key goes to the guest as typed. Not
 * thread-safe.
 */
final class ConsoleKeys {

    private static final byte CTRL_A = 1;

    private boolean pending;

    /**
     * Takes keys as they were read.
     *
     * @param out gets those for the guest; room for {@code count + 1}
     * @return how many are for the guest; negative if Ctrl-A x was among them, and then {@code -1 -
     *     n} for n keys before it
     */
    int take(byte[] keys, int count, byte[] out) {
        int forGuest = 0;
        for (int i = 0; i < count; i++) {
            byte key = keys[i];
            if (!pending) {
                pending = key == CTRL_A;
                if (!pending) {
                    out[forGuest++] = key;
                }
                continue;
            }
            pending = false;
            if (key == 'x') {
                return -1 - forGuest;
            }
            out[forGuest++] = CTRL_A;
            if (key != CTRL_A) {
                out[forGuest++] = key;
            }
        }
        return forGuest;
    }
}
