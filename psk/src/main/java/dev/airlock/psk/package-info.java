/** Sessions of TLS with pre-shared keys. */
package dev.airlock.psk;
