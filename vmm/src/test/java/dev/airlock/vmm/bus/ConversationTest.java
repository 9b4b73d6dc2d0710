package dev.airlock.vmm.bus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.vmbus.UserData;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.message.UnloadResponse;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class ConversationTest {
    private static final int RELID = 3;

    private final Conversation said = new Conversation();

    @Test
    void shouldKeepWhatHoldsAndForgetWhatWasTakenBack() {
        say(new InitiateContact(5 << 16 | 3, 1, InitiateContact.SINT2_VTL0, 0, 0));
        gpadl(7, 600);
        say(new OpenChannel(RELID, 1, 7, 0, 4, UserData.NONE));
        assertThat(said.contact()).isNotNull();
        assertThat(said.gpadls(RELID).get(7)).hasSizeGreaterThan(1);
        assertThat(said.gpadls(RELID + 1)).isEmpty();
        assertThat(said.open(RELID)).isNotNull();

        say(new CloseChannel(RELID));
        assertThat(said.open(RELID)).isNull();
        say(new GpadlTeardown(RELID, 7));
        assertThat(said.gpadls(RELID)).as("held until the host lets go").hasSize(1);
        assertThat(said.answered(new GpadlTorndown(7))).isTrue();
        assertThat(said.gpadls(RELID)).isEmpty();

        gpadl(8, 2);
        say(new RelidReleased(RELID));
        assertThat(said.gpadls(RELID)).isEmpty();
    }

    @Test
    void shouldKnowEachAnswerThatTheGuestWaitsForOnce() {
        gpadl(7, 2);
        assertThat(said.answered(new GpadlCreated(RELID, 8, 0))).isFalse();
        assertThat(said.answered(new GpadlCreated(RELID, 7, 0))).isTrue();
        assertThat(said.answered(new GpadlCreated(RELID, 7, 0))).isFalse();
    }

    @Test
    void shouldForgetWhatTheHostRefused() {
        gpadl(7, 2);
        said.answered(new GpadlCreated(RELID, 7, 1));
        say(new OpenChannel(RELID, 1, 7, 0, 4, UserData.NONE));
        said.answered(new OpenChannelResult(RELID, 1, 1));
        assertThat(said.gpadls(RELID)).isEmpty();
        assertThat(said.open(RELID)).isNull();
    }

    @Test
    void shouldAnswerForNobodyWhatNeedsNobody() {
        gpadl(7, 2);
        say(new GpadlTeardown(RELID, 7));
        assertThat(said.answersWithoutHost()).containsExactly(new GpadlTorndown(7).toBytes());
        say(new Unload());
        assertThat(said.answersWithoutHost()).containsExactly(new UnloadResponse().toBytes());
        assertThat(said.answersWithoutHost()).isEmpty();
    }

    @Test
    void shouldOpenAChannelWhereItsInterruptsGoNow() {
        say(new InitiateContact(5 << 16 | 3, 1, InitiateContact.SINT2_VTL0, 0, 0));
        OpenChannel open = new OpenChannel(RELID, 1, 7, 0, 4, UserData.NONE);
        say(open);
        say(new ModifyChannel(RELID, 5));
        Conversation.Said now = requireNonNull(said.open(RELID));
        assertThat(now.message())
                .isEqualTo(new OpenChannel(RELID, 1, 7, 5, 4, UserData.NONE).toBytes());
        assertThat(said.answersWithoutHost())
                .containsExactly(new ModifyChannelResponse(RELID, 0).toBytes());
    }

    @Test
    void shouldNotAnswerAChangeInAVersionThatDoesNot() {
        say(new InitiateContact(5 << 16 | 2, 1, InitiateContact.SINT2_VTL0, 0, 0));
        say(new ModifyChannel(RELID, 5));
        assertThat(said.answersWithoutHost()).isEmpty();
    }

    @Test
    void shouldNotGrowWithWhatComesAndGoes() {
        for (int i = 0; i < 20_000; i++) {
            gpadl(7, 600);
            said.answered(new GpadlCreated(RELID, 7, 0));
            say(new GpadlTeardown(RELID, 7));
            said.answered(new GpadlTorndown(7));
        }
        assertThat(said.isComplete()).isTrue();
    }

    @Test
    void shouldGiveUpAGuestThatSaysTooMuchUntilItStartsOver() {
        for (int relid = 0; relid <= Conversation.THINGS_MAX; relid++) {
            say(new OpenChannel(relid, 1, 7, 0, 4, UserData.NONE));
        }
        assertThat(said.isComplete()).isFalse();
        say(new OpenChannel(RELID, 1, 7, 0, 4, UserData.NONE));
        assertThat(said.open(RELID)).isNull();
        say(new InitiateContact(5 << 16 | 3, 1, InitiateContact.SINT2_VTL0, 0, 0));
        assertThat(said.isComplete()).isTrue();

        for (int handle = 0; said.isComplete(); handle++) {
            assertThat(handle).isLessThan(Conversation.THINGS_MAX);
            gpadl(handle, 8000);
        }
        assertThat(said.gpadls(RELID)).isEmpty();
    }

    private void gpadl(int handle, int pages) {
        for (ControlMessage part :
                Gpadl.messages(RELID, handle, LongStream.range(0, pages).toArray())) {
            say(part);
        }
    }

    private void say(ControlMessage message) {
        said.said(new Conversation.Said(4, message.toBytes()), message);
    }
}
