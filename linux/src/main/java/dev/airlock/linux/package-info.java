/**
 * The only native code of Airlock: typed access to the Linux system calls it needs.
 *
 * <p>All calls go to the C library by the foreign function interface and live in the
 * package-private {@code *Calls} classes, where each returns its result or a negative errno. The
 * public classes own resources ({@link dev.airlock.linux.Fd}, {@link dev.airlock.linux.Mapping},
 * {@link dev.airlock.linux.UnixSocket}) and translate failures: cold calls throw {@link
 * dev.airlock.linux.LinuxException}, hot ones return the negative errno and allocate nothing.
 *
 * <p>Structure layouts and constants are those of Linux on x86-64 with glibc 2.35 or later.
 */
package dev.airlock.linux;
