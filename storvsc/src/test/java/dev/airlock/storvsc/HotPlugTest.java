package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.VstorOperation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The scan, and disks that come and go. */
class HotPlugTest {
    private final FakeDisk disk = new FakeDisk(512, 1 << 20);
    private final List<String> heard = new ArrayList<>();
    private final AdapterListener listener =
            new AdapterListener() {
                @Override
                public void lunAdded(LunFacts facts) {
                    heard.add("added " + facts.address());
                }

                @Override
                public void lunRemoved(LunAddress address) {
                    heard.add("removed " + address);
                }

                @Override
                public void lunChanged(LunFacts facts) {
                    heard.add("changed " + facts.address() + " " + facts.sizeBytes());
                }
            };

    @Test
    void shouldFindTheDisksAndWhatTheySayOfThemselves() throws IOException {
        disk.luns.add(7);
        disk.maxTransferBlocks = 128;
        try (Rig rig = Rig.with(disk).open()) {
            rig.adapter.rescan();
            assertThat(rig.adapter.luns())
                    .extracting(LunFacts::address)
                    .containsExactly(new LunAddress(0, 0, 0), new LunAddress(0, 0, 7));
            LunFacts facts = rig.adapter.luns().get(1);
            assertThat(facts.vendor()).isEqualTo("Msft");
            assertThat(facts.serial()).isEqualTo("serial-7");
            assertThat(facts.sizeBytes()).isEqualTo(1 << 20);
            assertThat(facts.sectorBytes()).isEqualTo(512);
            assertThat(facts.readOnly()).isFalse();
            assertThat(facts.fua()).isTrue();
            assertThat(facts.writeCache()).isTrue();
            assertThat(facts.nonRotating()).isTrue();
            assertThat(facts.maxTransferBytes()).isEqualTo(128 * 512);
            assertThat(facts.unmap()).isEqualTo(LunFacts.UnmapWay.UNMAP);
            assertThat(facts.maxUnmapBytes()).isEqualTo(64 * 512);
            assertThat(facts.unmapGranularityBytes()).isEqualTo(8 * 512);
            assertThat(facts.unmappedReadsZero()).isTrue();
            assertThat(facts.maxWriteSameBytes()).isEqualTo(128 * 512);
            assertThat(rig.slotsInUse()).isZero();
        }
    }

    @Test
    void shouldFindADiskWithoutVpdPages() throws IOException {
        disk.vpd = false;
        disk.readOnly = true;
        try (Rig rig = Rig.with(disk).open()) {
            rig.adapter.rescan();
            LunFacts facts = rig.adapter.luns().get(0);
            assertThat(facts.readOnly()).isTrue();
            assertThat(facts.serial()).isEmpty();
            assertThat(facts.maxTransferBytes()).isEqualTo(Long.MAX_VALUE);
            assertThat(facts.unmap()).isEqualTo(LunFacts.UnmapWay.NONE);
        }
    }

    @Test
    void shouldGetPastUnitAttentionsAndBusyAnswers() throws IOException {
        disk.attentions.add(AdditionalSense.POWER_ON_RESET_OR_BUS_DEVICE_RESET);
        disk.attentions.add(AdditionalSense.REPORTED_LUNS_DATA_HAS_CHANGED);
        disk.busyAnswers = 3;
        try (Rig rig = Rig.with(disk).open()) {
            rig.adapter.rescan();
            assertThat(rig.adapter.luns()).hasSize(1);
            assertThat(disk.attentions).isEmpty();
        }
    }

    @Test
    void shouldRescanWhenTheHostSaysSoAndTellWhatIsDifferent() throws IOException {
        try (Rig rig = Rig.with(disk).open()) {
            rig.adapter.addListener(listener);
            rig.adapter.rescan();
            assertThat(heard).containsExactly("added 0:0:0");
            heard.clear();

            disk.luns.add(3);
            rig.host().unsolicited(VstorOperation.ENUMERATE_BUS);
            rig.settle();
            assertThat(heard).isEmpty();
            assertThat(rig.adapter.rescanIfWanted()).isTrue();
            assertThat(heard).containsExactly("added 0:0:3");
            assertThat(rig.adapter.rescanIfWanted()).isFalse();
            heard.clear();

            disk.luns.remove(0);
            rig.host().unsolicited(VstorOperation.REMOVE_DEVICE);
            rig.settle();
            assertThat(rig.adapter.rescanIfWanted()).isTrue();
            assertThat(heard).containsExactly("removed 0:0:0");
            assertThat(rig.adapter.lun(new LunAddress(0, 0, 0))).isNull();
            assertThat(rig.adapter.statistics().unsolicited()).isEqualTo(2);
        }
    }

    @Test
    void shouldTellOfANewSize() throws IOException {
        try (Rig rig = Rig.with(disk).open()) {
            rig.adapter.rescan();
            rig.adapter.addListener(listener);
            disk.data = new byte[2 << 20];
            rig.adapter.rescan();
            assertThat(heard).containsExactly("changed 0:0:0 " + (2 << 20));
        }
    }

    @Test
    void shouldFindNothingWhereTheHostTalksNonsense() throws IOException {
        FakeHost.Script nonsense =
                (host, command) -> {
                    byte[] noise = new byte[command.dataBytes()];
                    java.util.Arrays.fill(noise, (byte) 0xFF);
                    command.writeData(noise, 0, noise.length);
                    host.good(command, noise.length);
                };
        try (Rig rig = Rig.with(nonsense).open()) {
            rig.adapter.rescan();
            assertThat(rig.adapter.luns()).isEmpty();
            assertThat(rig.slotsInUse()).isZero();
        }
    }

    @Test
    void shouldRefuseADiskWhoseSizeMakesNoSense() throws IOException {
        FakeDisk honest = new FakeDisk(512, 1 << 20);
        FakeHost.Script lies =
                (host, command) -> {
                    if (command.opcode() == 0x9E) {
                        byte[] capacity = new byte[32];
                        java.util.Arrays.fill(capacity, 0, 8, (byte) 0xFF);
                        capacity[10] = 2;
                        command.writeData(capacity, 0, 32);
                        host.good(command, 32);
                    } else {
                        honest.handle(host, command);
                    }
                };
        try (Rig rig = Rig.with(lies).open()) {
            rig.adapter.rescan();
            assertThat(rig.adapter.luns()).isEmpty();
        }
    }
}
