/**
 * The mapping laboratory: what the review of the first Isolation VM patches for storvsc asked,
 * measured. Two drivers, the patch's and the one that went upstream, run through the same path;
 * what becomes of in-page offsets is shown with the bytes that the host reads; the bounce pool is
 * put under pressure. {@link dev.airlock.lab.mapping.MappingLab} runs all of it.
 */
@NullMarked
package dev.airlock.lab.mapping;

import org.jspecify.annotations.NullMarked;
