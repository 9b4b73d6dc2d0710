package dev.airlock.linux;

/**
 * Who is at the other end of a Unix socket, as of when it connected (or listened). Immutable.
 *
 * @param pid process number; 0 when it lives in a PID namespace that this process cannot see
 * @param uid effective user
 * @param gid effective group
 */
public record PeerCredentials(int pid, int uid, int gid) {}
