/**
 * SCSI disks over {@link dev.airlock.disk.Disk}: logical units, what each guest sees of them, and
 * the map from address to unit.
 *
 * <p>Words are SAM-5's: a <em>logical unit</em> is a disk with its mode pages; an <em>I_T
 * nexus</em> is one guest's relation to the target; an <em>I_T_L nexus</em> is one guest's relation
 * to one logical unit, and holds what SCSI keeps per initiator: unit attentions, and whether this
 * guest stopped the unit.
 *
 * <p>The guest is hostile. CDBs and parameter lists are copied once into private memory and only
 * the copy is looked at; responses are built in private memory and copied out; whatever the guest
 * sends ends in a SCSI status. Works are bounded: the limits of VPD page B0h are enforced, and
 * every buffer has a fixed size.
 *
 * <p>Start at {@link dev.airlock.scsitarget.TargetBus}, then {@link
 * dev.airlock.scsitarget.ItlNexus#execute}.
 */
package dev.airlock.scsitarget;
