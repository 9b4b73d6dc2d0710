package dev.airlock.vmm.acpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ACPICA's own disassembler and compiler on the tables. */
class DisassemblyTest {

    @TempDir private Path folder;

    @Test
    void shouldBeUnderstoodByIasl() throws IOException, InterruptedException {
        assumeTrue(hasIasl(), "iasl is not installed (Debian package acpica-tools)");

        for (Map.Entry<String, byte[]> table :
                AcpiTables.build(0xE_0000, 300).tables().entrySet()) {
            Files.write(folder.resolve(table.getKey() + ".dat"), table.getValue());
            String said = iasl("-d", table.getKey() + ".dat");
            assertThat(said).as(said).doesNotContainIgnoringCase("error");
            assertThat(said).as(said).doesNotContainIgnoringCase("warning");
            String text = Files.readString(folder.resolve(table.getKey() + ".dsl"));
            assertThat(text).as(text).doesNotContainIgnoringCase("invalid");
            assertThat(text).as(text).doesNotContainIgnoringCase("incorrect checksum");
            assertThat(text).as(text).doesNotContain("/* Should be");
            assertThat(text).as(text).doesNotContain("**** ");
        }
    }

    @Test
    void shouldCompileBackToTheSameBytesWithoutWarning() throws IOException, InterruptedException {
        assumeTrue(hasIasl(), "iasl is not installed (Debian package acpica-tools)");
        byte[] dsdt = Dsdt.build();
        Files.write(folder.resolve("dsdt.dat"), dsdt);
        iasl("-d", "dsdt.dat");

        // Message 6033: a _HID has seven or eight characters. Hyper-V's "VMBus" has five.
        String said = iasl("-vw", "6033", "-p", "again", "dsdt.dsl");

        assertThat(said).contains("0 Errors, 0 Warnings");
        // The compiler writes its own name into the header, and so another checksum.
        assertThat(Files.readAllBytes(folder.resolve("again.aml")))
                .hasSize(dsdt.length)
                .endsWith(Arrays.copyOfRange(dsdt, Table.HEADER_BYTES, dsdt.length));
    }

    @Test
    void shouldHoldTheDevicesThatLinuxLooksFor() throws IOException, InterruptedException {
        assumeTrue(hasIasl(), "iasl is not installed (Debian package acpica-tools)");
        Files.write(folder.resolve("dsdt.dat"), Dsdt.build());
        iasl("-d", "dsdt.dat");

        String text = Files.readString(folder.resolve("dsdt.dsl")).replaceAll("\\s+", " ");

        assertThat(text)
                .contains("Device (VMBS)")
                .contains("Name (_HID, \"VMBus\")")
                .contains("0xF8000000, // Range Minimum 0xFEBFFFFF, // Range Maximum")
                .contains("Device (COM1)")
                .contains("EisaId (\"PNP0501\")")
                .contains("IO (Decode16, 0x03F8, // Range Minimum 0x03F8, // Range Maximum")
                .contains("Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, )")
                .contains("{ 0x00000004, }")
                .contains("EisaId (\"PNP0B00\")")
                .contains("Name (_S5, Package (0x04)");
    }

    private static boolean hasIasl() {
        for (String path : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
            if (Files.isExecutable(Path.of(path, "iasl"))) {
                return true;
            }
        }
        return false;
    }

    /** What it said, which must have ended well. */
    private String iasl(String... arguments) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("iasl");
        builder.command().addAll(List.of(arguments));
        Process process = builder.directory(folder.toFile()).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said;
    }
}
