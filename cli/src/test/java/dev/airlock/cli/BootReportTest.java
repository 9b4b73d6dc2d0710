package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.storvsp.GuestStatistics;
import dev.airlock.storvsp.LunStatistics;
import dev.airlock.storvsp.SrbCount;
import dev.airlock.vmbus.service.Heartbeat;
import dev.airlock.vmm.Outcome;
import dev.airlock.vmm.memory.VisibilityCounts;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BootReportTest {
    private static final Outcome POWER_OFF = new Outcome(Outcome.Kind.POWER_OFF, "");

    @Test
    void shouldTellPeopleWhatCrossedTheBoundary() {
        assertThat(report(true, statistics()).text(POWER_OFF))
                .isEqualTo(
                        """
                        guest      power off after 12.3 s, isolated (VBS), 2 processors, heartbeat ok
                        pages      114,462 private, 16,610 visible (16,700 at most), 16,900 shown, 290 taken back; 0 touched by the host while private
                        swiotlb    64 MiB, 0 in use, 0 at most of what it told, full 0 times; longest run of visible pages 16,384 (64 MiB)
                        rings      370 commands (2 failed) on 2 channels, 33.8 MB read, 0.3 MB written; 0 refused for a page not visible
                        SRBs       3 TEST UNIT READY
                                   362 READ(10): 300 up to 4K, 62 up to 512K
                                   2 SERVICE ACTION IN(16): 2 up to 512
                                   1 opcode 0xfe: 1 up to more
                        returns    39,303 port; 322 interrupts for rings
                        hypercalls 40 modifyVisibility; 18 control messages
                        """);
    }

    @Test
    void shouldTellProgramsTheSame() {
        JsonMapper mapper = JsonMapper.builder().build();
        JsonNode json =
                mapper.readTree(
                        mapper.writeValueAsString(report(true, statistics()).fields(POWER_OFF)));

        assertThat(json.get("pagesPrivate").asInt()).isEqualTo(114_462);
        assertThat(json.get("pagesVisibleMost").asInt()).isEqualTo(16_700);
        assertThat(json.get("pagesVisibleLongestRun").asInt()).isEqualTo(16_384);
        assertThat(json.get("privatePagesTouchedByHost").asInt()).isZero();
        assertThat(json.get("heartbeat").asString()).isEqualTo("ok");
        assertThat(json.get("invisiblePagesRefused").asInt()).isZero();
        assertThat(json.get("visibleOverTime").toString())
                .isEqualTo(
                        "[{\"milliseconds\":0,\"visible\":0},{\"milliseconds\":100,\"visible\":16610}]");
        assertThat(json.get("swiotlb").toString())
                .isEqualTo("{\"mebibytes\":64,\"used\":0,\"usedMost\":0,\"full\":0}");
        JsonNode reads = json.get("srbs").get(1);
        assertThat(reads.get("opcode").asString()).isEqualTo("0x28");
        assertThat(reads.get("name").asString()).isEqualTo("READ(10)");
        assertThat(reads.get("count").asInt()).isEqualTo(362);
        assertThat(reads.get("bySizeUpTo").toString()).isEqualTo("{\"4K\":300,\"512K\":62}");
    }

    @Test
    void shouldTellItEachSecondInOneLine() {
        assertThat(report(true, statistics()).statsLine())
                .isEqualTo(
                        "stats seconds=12 private=114462 visible=16610 touchedPrivate=0"
                                + " swiotlb.mebibytes=64 swiotlb.used=0 swiotlb.usedMost=0 swiotlb.full=0"
                                + " heartbeat=ok commands=370 readMB=33.8 writtenMB=0.3 refused=0"
                                + " srbs=TEST_UNIT_READY/0:3,READ(10)/4K:300/512K:62,"
                                + "SERVICE_ACTION_IN(16)/512:2,opcode_0xfe/more:1"
                                + " returns=39303 interrupts=322");
    }

    @Test
    void shouldLeaveOutWhatNobodyTells() {
        BootReport report = report(false, null);

        assertThat(report.text(POWER_OFF))
                .contains("131,072, all of them the host's to see")
                .doesNotContain("swiotlb", "SRBs", "rings ");
        assertThat(report.statsLine())
                .isEqualTo(
                        "stats seconds=12 private=0 visible=16610 touchedPrivate=0"
                                + " swiotlb.mebibytes=64 swiotlb.used=0 swiotlb.usedMost=0 swiotlb.full=0"
                                + " returns=39303 interrupts=322");
        assertThat(report.fields(POWER_OFF)).doesNotContainKey("srbs");
    }

    private static BootReport report(boolean isolated, @Nullable GuestStatistics statistics) {
        Boundary boundary =
                new Boundary(
                        new VisibilityCounts(16_610, 16_700, 16_900, 290),
                        16_384,
                        0,
                        false,
                        List.of(
                                new VisibilitySeries.Sample(0, 0),
                                new VisibilitySeries.Sample(100, 16_610)),
                        swiotlb());
        return new BootReport(
                isolated,
                2,
                131_072,
                12.34,
                boundary,
                Map.of("port", 39_303L),
                Map.of("modifyVisibility", 40L),
                322,
                18,
                statistics,
                statistics == null ? Heartbeat.NONE : Heartbeat.OK);
    }

    private static Map<String, Long> swiotlb() {
        SwiotlbWatch watch = new SwiotlbWatch();
        watch.follow("software IO TLB: mapped [mem 0x18200000-0x1c200000] (64MB)");
        watch.follow("/sys/kernel/debug/swiotlb/io_tlb_used:0");
        return watch.told();
    }

    private static GuestStatistics statistics() {
        return new GuestStatistics(
                new LunStatistics(370, 2, 33_800_000, 300_000),
                2,
                0,
                0,
                0,
                0,
                0,
                0,
                List.of(
                        new SrbCount(0x00, 0, 3),
                        new SrbCount(0x28, 4, 300),
                        new SrbCount(0x28, 11, 62),
                        new SrbCount(0x9E, 1, 2),
                        new SrbCount(0xFE, SrbCount.CLASSES - 1, 1)));
    }
}
