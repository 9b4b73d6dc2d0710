package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KernelModulesTest {
    private static final int SECTION_BYTES = 64;

    @TempDir Path folder;

    /** The smallest ELF file with a string table and a section .modinfo. */
    private static byte[] module(String... entries) {
        byte[] names = "\0.shstrtab\0.modinfo\0".getBytes(StandardCharsets.ISO_8859_1);
        byte[] info = (String.join("\0", entries) + "\0").getBytes(StandardCharsets.ISO_8859_1);
        int headers = 64 + names.length + info.length;
        ByteBuffer elf =
                ByteBuffer.allocate(headers + 3 * SECTION_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        elf.put(0, new byte[] {0x7F, 'E', 'L', 'F'});
        elf.putLong(40, headers);
        elf.putShort(58, (short) SECTION_BYTES).putShort(60, (short) 3).putShort(62, (short) 1);
        elf.put(64, names).put(64 + names.length, info);
        int strings = headers + SECTION_BYTES;
        elf.putInt(strings, 1).putLong(strings + 24, 64).putLong(strings + 32, names.length);
        int modinfo = strings + SECTION_BYTES;
        elf.putInt(modinfo, 11);
        elf.putLong(modinfo + 24, 64 + names.length).putLong(modinfo + 32, info.length);
        return elf.array();
    }

    private void add(String name, String... entries) throws Exception {
        Path file = folder.resolve("kernel/drivers").resolve(name + ".ko");
        Files.createDirectories(file.getParent());
        Files.write(file, module(entries));
    }

    private KernelModules modules() throws Exception {
        return new KernelModules(new LinuxKernel(folder.resolve("vmlinuz"), "1", folder));
    }

    @Test
    void shouldPutWhatAModuleNeedsBeforeIt() throws Exception {
        add("top", "license=GPL", "depends=middle,base-two", "name=top");
        add("middle", "depends=base_one");
        add("base_one", "depends=");
        add("base-two", "depends=base_one");

        assertThat(modules().inLoadOrder(List.of("middle", "top")).keySet())
                .containsExactly("base_one", "middle", "base_two", "top");
    }

    @Test
    void shouldLeaveOutWhatIsBuiltIn() throws Exception {
        add("top", "depends=inside");
        Files.writeString(folder.resolve("modules.builtin"), "kernel/fs/inside.ko\n");

        assertThat(modules().inLoadOrder(List.of("inside", "top")).keySet()).containsExactly("top");
        assertThat(modules().has("inside")).isTrue();
        assertThat(modules().has("outside")).isFalse();
    }

    @Test
    void shouldLoadBeforeWhatIsBetterThereBefore() throws Exception {
        add("top", "softdep=pre: crc32c unknown post: later", "depends=");
        add("crc32c_generic", "depends=");
        add("later", "depends=");

        assertThat(modules().inLoadOrder(List.of("top")).keySet())
                .containsExactly("crc32c_generic", "top");
    }

    @Test
    void shouldEndWhereModulesNeedEachOther() throws Exception {
        add("one", "depends=two");
        add("two", "depends=one");

        assertThat(modules().inLoadOrder(List.of("one")).keySet()).containsExactly("two", "one");
    }

    @Test
    void shouldDecompressModules() throws Exception {
        Machine.assume("xz", "zstd");
        add("one", "depends=two,three");
        add("two", "depends=");
        add("three", "depends=");
        Path drivers = folder.resolve("kernel/drivers");
        byte[] plain = Files.readAllBytes(drivers.resolve("two.ko"));
        Tool.run(drivers, List.of("xz", "two.ko"));
        Tool.run(drivers, List.of("zstd", "--rm", "-q", "three.ko"));

        var order = modules().inLoadOrder(List.of("one"));
        assertThat(order.keySet()).containsExactly("two", "three", "one");
        Path compressed = drivers.resolve("two.ko.xz");
        assertThat(order).containsEntry("two", compressed);
        assertThat(KernelModules.content(compressed)).isEqualTo(plain);
    }

    @ParameterizedTest
    @EnumSource(names = {"STABLE", "BACKPORTS"})
    void shouldOrderTheModulesOfDebiansKernels(DebianKernel which) throws Exception {
        LinuxKernel kernel = Machine.kernel(which);

        assertThat(order(kernel))
                .containsSubsequence("scsi_common", "scsi_mod", "hv_storvsc", "sd_mod")
                .containsSubsequence("hv_vmbus", "hv_storvsc")
                .doesNotHaveDuplicates();
        check(kernel);
    }

    /** The newest: its packages are three instead of one, and hv_vmbus is built in. */
    @Tag("soak")
    @Test
    void shouldOrderTheModulesOfTheNewestKernel() throws Exception {
        LinuxKernel kernel = Machine.kernel(DebianKernel.UNSTABLE);

        assertThat(order(kernel)).contains("hv_storvsc", "sd_mod").doesNotHaveDuplicates();
        check(kernel);
    }

    private static Set<String> order(LinuxKernel kernel) throws Exception {
        return new KernelModules(kernel)
                .inLoadOrder(List.of("hv_vmbus", "hv_storvsc", "sd_mod", "ext4"))
                .keySet();
    }

    private static void check(LinuxKernel kernel) throws Exception {
        assertThat(kernel.image()).isRegularFile();
        assertThat(LinuxKernel.of(kernel.image())).isEqualTo(kernel);
        assertThat(kernel.release()).matches("[0-9]+\\.[0-9]+.*-cloud-amd64");
    }

    @Test
    void shouldNameAMissingModule() throws Exception {
        add("top", "depends=absent");

        assertThatThrownBy(() -> modules().inLoadOrder(List.of("top")))
                .isInstanceOf(NestException.class)
                .hasMessageContaining("no module absent");
    }

    @Test
    void shouldRefuseWhatIsNoKernel() throws Exception {
        Path file = folder.resolve("file");
        Files.write(file, new byte[4096]);
        assertThatThrownBy(() -> LinuxKernel.of(file))
                .isInstanceOf(NestException.class)
                .hasMessageContaining("not a bzImage");
    }

    @Test
    void shouldRefuseWhatIsNoModule() {
        byte[] broken = module("depends=");
        ByteBuffer.wrap(broken).order(ByteOrder.LITTLE_ENDIAN).putLong(40, Long.MAX_VALUE);
        for (byte[] bytes : List.of(new byte[3], new byte[100], broken)) {
            assertThatThrownBy(() -> ModuleInfo.of(bytes)).isInstanceOf(NestException.class);
        }
    }
}
