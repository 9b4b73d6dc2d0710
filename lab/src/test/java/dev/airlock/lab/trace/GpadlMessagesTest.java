package dev.airlock.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** GPADLs span messages: what the decoder remembers between them. */
class GpadlMessagesTest {
    private static final String CREATED =
            "ctl-host>guest " + new Bytes().u32(10, 0, 1, 0x77, 0).toHex();
    private static final String CREATED_TEXT =
            "host>guest control GPADL_CREATED relid=1 gpadl=0x77 status=SUCCESS";

    @Test
    void shouldDecodeAGpadlOfOneMessage() {
        String header = header(3 * 8, 1, new Bytes().u32(8192, 0).u64(0x10, 0x20));
        assertThat(Lines.decode(header, CREATED))
                .containsExactly(
                        "guest>host control GPADL_HEADER relid=1 gpadl=0x77 ranges=1 rangeBytes=24"
                                + " length=8192 offset=0 pages=2 pfns=2 firstPfn=0x10",
                        CREATED_TEXT);
    }

    @Test
    void shouldCountWhatTheBodiesStillHaveToBring() {
        String header = header(5 * 8, 1, new Bytes().u32(16384, 512).u64(0x10, 0x20));
        assertThat(Lines.decode(header, body(0x30), body(0x31), CREATED))
                .containsExactly(
                        "guest>host control GPADL_HEADER relid=1 gpadl=0x77 ranges=1 rangeBytes=40"
                                + " length=16384 offset=512 pages=4 pfns=2 firstPfn=0x10 missing=2",
                        "guest>host control GPADL_BODY gpadl=0x77 number=0 pfns=1 firstPfn=0x30 missing=1",
                        "guest>host control GPADL_BODY gpadl=0x77 number=0 pfns=1 firstPfn=0x31",
                        CREATED_TEXT);
    }

    @Test
    void shouldDecodeSeveralRangesAsWords() {
        String header =
                header(6 * 8, 2, new Bytes().u32(4096, 0).u64(0x10).u32(100, 4000).u64(0x20));
        assertThat(Lines.decode(header, body(0x21, 0x22)))
                .containsExactly(
                        "guest>host control GPADL_HEADER relid=1 gpadl=0x77 ranges=2 rangeBytes=48"
                                + " length=4096 offset=0 words=4 missing=2",
                        "guest>host control GPADL_BODY gpadl=0x77 number=0 words=2");
    }

    @Test
    void shouldNoticeAtTheAnswerThatAMessageWasCutOff() {
        String header = header(5 * 8, 1, new Bytes().u32(16384, 0).u64(0x10, 0x20));
        assertThat(Lines.decode(header, body(0x30), CREATED).getLast())
                .isEqualTo(
                        "!line 3: GPADL_CREATED for a GPADL that is not complete: gpadl=0x77 missing=1 words");
        String refused = "ctl-host>guest " + new Bytes().u32(10, 0, 1, 0x77, 0xC000000DL).toHex();
        assertThat(Lines.decode(header, refused, CREATED))
                .endsWith(
                        "host>guest control GPADL_CREATED relid=1 gpadl=0x77 status=INVALID_PARAMETER",
                        CREATED_TEXT);
    }

    @Test
    void shouldDecodeABodyWhoseHeaderItHasNotSeen() {
        assertThat(Lines.decode(body(5, 6), body(), CREATED))
                .containsExactly(
                        "guest>host control GPADL_BODY gpadl=0x77 number=0 pfns=2 firstPfn=0x5",
                        "guest>host control GPADL_BODY gpadl=0x77 number=0 pfns=0",
                        CREATED_TEXT);
    }

    @Test
    void shouldPointAtMoreThanWasAnnounced() {
        String header = header(3 * 8, 1, new Bytes().u32(8192, 0).u64(0x10));
        assertThat(Lines.decode(header, body(0x20, 0x30)).getLast())
                .isEqualTo(
                        "guest>host control GPADL_BODY gpadl=0x77 number=0 pfns=2 firstPfn=0x20 excess=1");
    }

    @Test
    void shouldRefuseWordsThatAreNotWhole() {
        String cut = header(3 * 8, 1, new Bytes().u32(8192, 0).u64(0x10).u32(0x20));
        assertThat(Lines.decodeOne(cut))
                .isEqualTo("!line 1: GPADL_HEADER cut off in the middle of a PFN");
        assertThat(Lines.decodeOne(body(1) + "0000"))
                .isEqualTo("!line 1: GPADL_BODY cut off in the middle of a PFN");
        assertThat(Lines.decodeOne(header(3 * 8, 1, new Bytes())))
                .isEqualTo("!line 1: GPADL_HEADER cut off: it has no range");
        assertThat(Lines.decodeOne(header(20, 1, new Bytes().u32(8192, 0).u64(0x10))))
                .isEqualTo("!line 1: GPADL_HEADER of no whole words: rangeBytes=20");
    }

    private static String header(int rangeBytes, int ranges, Bytes words) {
        return "ctl-guest>host "
                + new Bytes()
                        .u32(8, 0, 1, 0x77)
                        .u16(rangeBytes, ranges)
                        .put(words.toArray())
                        .toHex();
    }

    private static String body(long... words) {
        return "ctl-guest>host " + new Bytes().u32(9, 0, 0, 0x77).u64(words).toHex();
    }
}
