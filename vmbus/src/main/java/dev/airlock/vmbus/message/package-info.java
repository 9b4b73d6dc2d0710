/**
 * VMBus control messages, byte for byte: one record per message, {@link
 * dev.airlock.vmbus.message.ControlMessage} to decode any of them, and GPADLs, which span several.
 * Source: Linux {@code include/linux/hyperv.h}, {@code enum vmbus_channel_message_type} and the
 * structures named after it.
 */
package dev.airlock.vmbus.message;
