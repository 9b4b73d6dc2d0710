package dev.airlock.vmm.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class BzImageTest {

    private final KernelFile file = new KernelFile();

    @Test
    void shouldTellWhatTheHeaderSays() throws BootException {
        BzImage kernel = BzImage.parse(file.bytes);

        assertThat(kernel.protocolVersion()).isEqualTo(0x020F);
        assertThat(kernel.prefAddress()).isEqualTo(KernelFile.PREF_ADDRESS);
        assertThat(kernel.initBytes()).isEqualTo(KernelFile.INIT_BYTES);
        assertThat(kernel.cmdlineLimitBytes()).isEqualTo(2047);
        assertThat(kernel.initrdAddressMax()).isEqualTo(KernelFile.INITRD_ADDRESS_MAX);
        assertThat(kernel.payload().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(file.payload());
        assertThat(kernel.header().byteSize()).isEqualTo(KernelFile.HEADER_END - 0x1F1);
    }

    @Test
    void shouldTakeZeroSetupSectorsForFour() throws BootException {
        byte[] longer = Arrays.copyOf(file.bytes, file.bytes.length + 512);
        longer[0x1F1] = 0;

        assertThat(BzImage.parse(longer).payload().byteSize()).isEqualTo(longer.length - 5 * 512);
    }

    @Test
    void shouldCountThePayloadWhenInitSizeIsLess() throws BootException {
        LittleEndian.u32(file.segment, 0x260, 1);

        assertThat(BzImage.parse(file.bytes).initBytes()).isEqualTo(KernelFile.PAYLOAD_BYTES);
    }

    @Test
    void shouldRefuseWhatIsNoBzImage() {
        file.bytes[0x202] = 'h';

        refuses(file.bytes, "not a bzImage: no \"HdrS\" at 0x202");
        refuses(new byte[0], "not a bzImage: no \"HdrS\" at 0x202");
    }

    @Test
    void shouldRefuseAnElfFileWithAdvice() {
        byte[] elf = new byte[4096];
        elf[0] = 0x7F;
        elf[1] = 'E';
        elf[2] = 'L';
        elf[3] = 'F';

        refuses(elf, "an ELF file, not a bzImage");
    }

    @Test
    void shouldRefuseAnOldProtocol() {
        file.u16(0x206, 0x020B);

        refuses(file.bytes, "kernel too old: its boot protocol is 2.11, 2.12 is needed");
    }

    @Test
    void shouldRefuseA32BitKernel() {
        file.u16(0x236, 0x7E);

        refuses(file.bytes, "a 32-bit kernel: it has no 64-bit entry point");
    }

    @Test
    void shouldRefuseAFileThatWasCutShort() {
        byte[] shorter = Arrays.copyOf(file.bytes, file.bytes.length - 1);

        refuses(shorter, "cut short: it has " + shorter.length + " bytes of at least");
        refuses(Arrays.copyOf(file.bytes, 1024), "cut short");
    }

    @Test
    void shouldRefuseAHeaderThatEndsBeforeItsFields() {
        file.bytes[0x201] = 0x10;

        refuses(file.bytes, "its header ends at");
    }

    @Test
    void shouldRefuseAnyTruncation() {
        for (int length = 0; length < file.bytes.length; length++) {
            MemorySegment cut = file.segment.asSlice(0, length);
            assertThatThrownBy(() -> BzImage.parse(cut)).isInstanceOf(BootException.class);
        }
    }

    private static void refuses(byte[] bytes, String message) {
        assertThatThrownBy(() -> BzImage.parse(bytes))
                .isInstanceOf(BootException.class)
                .hasMessageContaining(message)
                .hasMessageNotContaining("\n");
    }
}
