package dev.airlock.lab.trace;

import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import java.util.Map;

/**
 * Kinds of VMBus device by interface GUID. Source: Linux {@code include/linux/hyperv.h}, the {@code
 * HV_*_GUID} macros.
 */
final class DeviceNames {
    private static final Map<Guid, String> NAMES =
            Map.ofEntries(
                    Map.entry(Offer.SCSI_INTERFACE, "scsi"),
                    entry("32412632-86cb-44a2-9b5c-50d1417354f5", "ide"),
                    entry("2f9bcc4a-0069-4af3-b76b-6fd0be528cda", "fibre-channel"),
                    entry("f8615163-df3e-46c5-913f-f2d2f965ed0e", "network"),
                    entry("8c2eaf3d-32a7-4b09-ab99-bd1f1c86b501", "network-direct"),
                    entry("44c4f61d-4444-4400-9d52-802e27ede19f", "pci"),
                    entry("da0a7802-e377-4aac-8e77-0558eb1073f8", "video"),
                    entry("f912ad6d-2b17-48ea-bd65-f927a61c7684", "keyboard"),
                    entry("cfa8b69e-5b4a-4cc0-b98b-8ba1a1f3f95a", "mouse"),
                    entry("a9a0f4e7-5a45-4d96-b827-8a841e8c03e6", "key-value-pairs"),
                    entry("9527e630-d0ae-497b-adce-e80ab0175caf", "time-sync"),
                    entry("57164f39-9115-4e78-ab55-382f3bd5422d", "heartbeat"),
                    entry("0e0b6031-5213-4934-818b-38d90ced39db", "shutdown"),
                    entry("34d14be3-dee4-41c8-9ae7-6b174977c192", "file-copy"),
                    entry("35fa2e29-ea23-4236-96ae-3a6ebacba440", "backup"),
                    entry("525074dc-8985-46e2-8057-a307dc18a502", "dynamic-memory"),
                    entry("3375baf4-9e15-4b30-b765-67acb10d607b", "activation"),
                    entry("276aacf4-ac15-426c-98dd-7521ad3f01fe", "remote-desktop"));

    private DeviceNames() {}

    /** The device's kind in a word, {@code unknown} for one that is not listed here. */
    static String of(Guid interfaceType) {
        return NAMES.getOrDefault(interfaceType, "unknown");
    }

    private static Map.Entry<Guid, String> entry(String guid, String name) {
        return Map.entry(Guid.parse(guid), name);
    }
}
