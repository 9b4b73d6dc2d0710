package dev.airlock.vmm.acpi;

/**
 * The devices of the guest. Linux loads {@code hv_vmbus} for the one whose {@code _HID} is "VMBus",
 * and takes the addresses of its {@code _CRS} as those that VMBus devices may use ({@code
 * drivers/hv/vmbus_drv.c}, {@code vmbus_walk_resources}).
 */
final class Dsdt {

    private static final int REVISION = 2;

    private Dsdt() {}

    static byte[] build() {
        byte[] vmbus =
                Aml.device(
                        "VMBS",
                        Aml.value("_HID", Aml.string("VMBus")),
                        Aml.value("_UID", Aml.integer(0)),
                        Aml.value("_DDN", Aml.string("VMBUS")),
                        Aml.value("_STA", Aml.integer(Platform.PRESENT_AND_WORKING)),
                        Aml.value(
                                "_CRS",
                                Resources.template(
                                        Resources.memory(
                                                Platform.VMBUS_MMIO, Platform.VMBUS_MMIO_BYTES))));
        byte[] serial =
                Aml.device(
                        "COM1",
                        Aml.value("_HID", Aml.eisaId("PNP0501")),
                        Aml.value("_UID", Aml.integer(1)),
                        Aml.value("_DDN", Aml.string("COM1")),
                        Aml.value("_STA", Aml.integer(Platform.PRESENT_AND_WORKING)),
                        Aml.value(
                                "_CRS",
                                Resources.template(
                                        Resources.ports(
                                                Platform.SERIAL_PORT, Platform.SERIAL_PORTS),
                                        Resources.edgeInterrupt(Platform.SERIAL_GSI))));
        byte[] clock =
                Aml.device(
                        "RTC0",
                        Aml.value("_HID", Aml.eisaId("PNP0B00")),
                        Aml.value("_STA", Aml.integer(Platform.PRESENT_AND_WORKING)),
                        Aml.value(
                                "_CRS",
                                Resources.template(
                                        Resources.ports(
                                                Platform.CLOCK_PORT, Platform.CLOCK_PORTS))));
        byte[] softOff =
                Aml.value(
                        Aml.SOFT_OFF,
                        Aml.packageOf(
                                Aml.integer(Platform.SLEEP_TYPE_SOFT_OFF),
                                Aml.integer(Platform.SLEEP_TYPE_SOFT_OFF),
                                Aml.integer(0),
                                Aml.integer(0)));
        return Table.of(
                "DSDT",
                REVISION,
                Bytes.join(Aml.scope(Aml.SYSTEM_BUS, vmbus, serial, clock), softOff));
    }
}
