package dev.airlock.psk;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.security.SecureRandom;
import org.bouncycastle.tls.TlsPSKIdentityManager;
import org.jspecify.annotations.Nullable;

/**
 * Finds the key for what one client says its user is. A user that is not known gets a key that
 * nobody has, so that a client cannot tell it from a wrong key. For one thread.
 */
final class PskLookup implements TlsPSKIdentityManager {
    private static final int NOBODYS_KEY_BYTES = 32;
    private static final int TOLD_CHARACTERS_MAX = 64;

    private final PskKeys keys;
    private byte @Nullable [] user;
    private boolean isKnown;

    PskLookup(PskKeys keys) {
        this.keys = keys;
    }

    @Override
    public byte @Nullable [] getHint() {
        return null;
    }

    /** {@inheritDoc} The caller's own copy, which it overwrites. */
    @Override
    public byte[] getPSK(byte[] identity) {
        user = identity;
        byte[] key = keys.find(identity);
        isKnown = key != null;
        if (key == null) {
            key = new byte[NOBODYS_KEY_BYTES];
            new SecureRandom().nextBytes(key);
        }
        return key;
    }

    /** Who it was, for the log. */
    String told() {
        byte[] asked = user;
        if (asked == null) {
            return "without a user's name";
        }
        String text = new String(asked, ISO_8859_1).replaceAll("[^ -~]|\"", "?");
        if (text.length() > TOLD_CHARACTERS_MAX) {
            text = text.substring(0, TOLD_CHARACTERS_MAX) + "...";
        }
        return "as " + (isKnown ? "" : "unknown ") + "user \"" + text + "\"";
    }
}
