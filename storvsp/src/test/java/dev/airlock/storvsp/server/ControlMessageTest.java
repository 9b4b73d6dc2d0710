package dev.airlock.storvsp.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.storvsp.GuestStatistics;
import dev.airlock.storvsp.LunStatistics;
import dev.airlock.storvsp.SrbCount;
import dev.airlock.storvsp.server.ControlMessage.MalformedException;
import dev.airlock.vmbus.service.Heartbeat;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ControlMessageTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "plain",
                "tab\there",
                "line\nend",
                "100%",
                "%41",
                "a=b",
                "ünïcode €",
                "\0"
            })
    void shouldGiveBackAnyValue(String value) throws MalformedException {
        byte[] line = ControlMessage.of("add").with("spec", value).with("other", "x").encode();

        ControlMessage back = ControlMessage.decode(line);

        assertThat(back.verb()).isEqualTo("add");
        assertThat(back.require("spec")).isEqualTo(value);
        assertThat(back.require("other")).isEqualTo("x");
    }

    @Test
    void shouldBeOneLineOfPrintableText() {
        byte[] line = ControlMessage.of("add").with("spec", "a\r\n\u0007ü").encode();

        assertThat(new String(line, StandardCharsets.US_ASCII))
                .isEqualTo("add\tspec=a%0d%0a%07%c3%bc");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "Add",
                "add\t",
                "add\tspec",
                "add\t=x",
                "add\tspec=%",
                "add\tspec=%4",
                "add\tspec=%zz",
                "add\tspec=%ff",
                "add\tspec=x\tspec=y",
                "\0"
            })
    void shouldRefuseWhatIsNoMessage(String line) {
        assertThatThrownBy(() -> ControlMessage.decode(line.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(MalformedException.class);
    }

    @Test
    void shouldRefuseBytesThatAreNotText() {
        assertThatThrownBy(() -> ControlMessage.decode(new byte[] {'a', (byte) 0xFF}))
                .isInstanceOf(MalformedException.class);
    }

    @Test
    void shouldCarryTheStatusOfADisk() throws MalformedException {
        DiskStatus disk =
                new DiskStatus(
                        3,
                        "my disk",
                        "/a b,,c,ro,name=my disk",
                        1L << 40,
                        4096,
                        true,
                        false,
                        List.of("guest1", "guest2"),
                        new LunStatistics(1, 2, 3, Long.MAX_VALUE));

        assertThat(StatusCodec.disk(ControlMessage.decode(StatusCodec.encode(disk).encode())))
                .isEqualTo(disk);
    }

    @Test
    void shouldCarryTheStatusOfAGuest() throws MalformedException {
        GuestStatus guest =
                new GuestStatus(
                        "guest7",
                        4711,
                        0,
                        0x0602,
                        12345,
                        6,
                        Heartbeat.LOST,
                        new GuestStatistics(
                                new LunStatistics(10, 1, 4096, 8192),
                                4,
                                5,
                                6,
                                7,
                                8,
                                9,
                                10,
                                List.of(
                                        new SrbCount(0, 0, 3),
                                        new SrbCount(0x28, 4, 161),
                                        new SrbCount(0x28, 15, Long.MAX_VALUE))));

        assertThat(StatusCodec.guest(ControlMessage.decode(StatusCodec.encode(guest).encode())))
                .isEqualTo(guest);
    }

    @Test
    void shouldHoldEveryMixOfSrbsInOneMessage() throws MalformedException {
        List<SrbCount> srbs = new ArrayList<>();
        for (int cell = 0; cell < 256 * SrbCount.CLASSES; cell++) {
            srbs.add(new SrbCount(cell / SrbCount.CLASSES, cell % SrbCount.CLASSES, 1L << 43));
        }
        byte[] line = StatusCodec.encode(guest(srbs)).encode();

        assertThat(line).hasSizeLessThan(ControlMessage.BYTES_MAX);
        assertThat(StatusCodec.guest(ControlMessage.decode(line)).statistics().srbs())
                .isEqualTo(srbs);
        assertThat(
                        StatusCodec.guest(
                                        ControlMessage.decode(
                                                StatusCodec.encode(guest(List.of())).encode()))
                                .statistics()
                                .srbs())
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "28", "28:", "28:4", "28:4=", "28:4=1;", "28:4=1,", "100:4=1", "28:10=1", "x:4=1"
            })
    void shouldRefuseWhatAreNoCountsOfSrbs(String text) throws MalformedException {
        ControlMessage message = StatusCodec.encode(guest(List.of()));
        message.values().put("srbs", text);

        assertThatThrownBy(() -> StatusCodec.guest(message)).isInstanceOf(MalformedException.class);
    }

    private static GuestStatus guest(List<SrbCount> srbs) {
        return new GuestStatus(
                "guest7",
                4711,
                0,
                0x0602,
                12345,
                6,
                Heartbeat.OK,
                new GuestStatistics(LunStatistics.NONE, 4, 5, 6, 7, 8, 9, 10, srbs));
    }
}
