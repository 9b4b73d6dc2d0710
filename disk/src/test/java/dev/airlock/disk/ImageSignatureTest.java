package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageSignatureTest {
    /** The marks as hex, written down apart from the code. */
    @ParameterizedTest
    @CsvSource({
        "VHDX,0,7668647866696c65",
        "VHD,0,636f6e6563746978",
        "VHD,-512,636f6e6563746978",
        "VHD,-511,636f6e6563746978",
        "qcow2,0,514649fb",
        "QED,0,51454400",
        "VMDK,0,4b444d56",
        "VMDK,0,434f5744",
        "VMDK,0,23204469736b2044657363726970746f7246696c65",
        "VDI,64,7f10dabe",
        "Parallels,0,576974686f7574467265655370616365",
        "Parallels,0,576974686f7546726553706163457874",
        "Bochs,0,426f636873205669727475616c20484420496d616765",
        "DMG,-512,6b6f6c79"
    })
    void shouldFindTheMarkOfEachFormatInItsPlaceOnly(String format, int offset, String hex) {
        byte[] mark = HexFormat.of().parseHex(hex);
        byte[] content = new byte[8192];
        int at = offset < 0 ? content.length + offset : offset;
        System.arraycopy(mark, 0, content, at, mark.length);
        assertThat(find(content, 512))
                .isNotNull()
                .extracting(ImageSignature::format)
                .isEqualTo(format);
        assertThat(find(content, 4096))
                .isNotNull()
                .extracting(ImageSignature::format)
                .isEqualTo(format);
        content[at]++;
        assertThat(find(content, 512)).isNull();
        byte[] moved = new byte[8192];
        System.arraycopy(mark, 0, moved, 2048, mark.length);
        assertThat(find(moved, 4096)).isNull();
    }

    @Test
    void shouldTakeAPartitionTableAndAFileSystemAsRaw() {
        byte[] content = new byte[8192];
        content[510] = 0x55;
        content[511] = (byte) 0xAA;
        System.arraycopy("EFI PART".getBytes(StandardCharsets.US_ASCII), 0, content, 512, 8);
        content[0x438] = 0x53;
        content[0x439] = (byte) 0xEF;
        assertThat(find(content, 4096)).isNull();
    }

    @Test
    void shouldKnowARealImage() throws IOException {
        Path image = sharedImages().resolve("btrfs.vhdx.gz");
        assumeTrue(Files.exists(image), "shared images are not here");
        try (InputStream in = new GZIPInputStream(Files.newInputStream(image))) {
            byte[] head = in.readNBytes(512);
            assertThat(ImageSignature.find(head, new byte[512])).isEqualTo(ImageSignature.VHDX);
        }
    }

    private static @Nullable ImageSignature find(byte[] content, int sectorBytes) {
        return ImageSignature.find(
                Arrays.copyOf(content, sectorBytes),
                Arrays.copyOfRange(content, content.length - sectorBytes, content.length));
    }

    private static Path sharedImages() {
        Path at = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        while (at.getParent() != null && !Files.exists(at.resolve("shared/images"))) {
            at = at.getParent();
        }
        return at.resolve("shared/images");
    }
}
