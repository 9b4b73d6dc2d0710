package dev.airlock.vmm.device;

/** A bounded queue of bytes that wait for the guest. Not thread-safe. */
final class InputQueue {

    private final byte[] bytes;
    private int head;
    private int size;

    InputQueue(int capacity) {
        bytes = new byte[capacity];
    }

    int size() {
        return size;
    }

    /** Whether there was room. */
    boolean offer(byte value) {
        if (size == bytes.length) {
            return false;
        }
        bytes[(head + size) % bytes.length] = value;
        size++;
        return true;
    }

    /** The oldest byte, 0 if there is none. */
    int poll() {
        if (size == 0) {
            return 0;
        }
        int value = bytes[head] & 0xFF;
        head = (head + 1) % bytes.length;
        size--;
        return value;
    }

    void clear() {
        size = 0;
    }
}
