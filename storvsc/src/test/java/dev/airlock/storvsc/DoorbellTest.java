package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a signaller counts as blocked by the host. */
class DoorbellTest {
    private final CountDownLatch inside = new CountDownLatch(1);
    private final CountDownLatch letGo = new CountDownLatch(1);
    private final AtomicBoolean atLimit = new AtomicBoolean();
    private final Doorbell doorbell = new Doorbell(this::ring, atLimit::get);
    private final Thread signaller = new Thread(doorbell::signal);

    @BeforeEach
    void startSignalling() throws InterruptedException {
        signaller.start();
        inside.await();
    }

    @AfterEach
    void letGo() throws InterruptedException {
        letGo.countDown();
        signaller.join();
    }

    @Test
    void shouldBeStuckWhenTheHostTakesNoMoreSignals() {
        atLimit.set(true);

        assertThat(doorbell.isStuck()).as("first look").isFalse();
        assertThat(doorbell.isStuck()).as("second look").isTrue();
    }

    @Test
    void shouldNotTakeASignallerWithoutAProcessorForABlockedOne() {
        for (int look = 0; look < Doorbell.LOOKS_MAX / 2; look++) {
            assertThat(doorbell.isStuck()).isFalse();
        }
    }

    @Test
    void shouldBeStuckInTheEndWhateverTheHostShowsWhenLookedAt() {
        boolean stuck = false;
        for (int look = 0; look <= Doorbell.LOOKS_MAX && !stuck; look++) {
            stuck = doorbell.isStuck();
        }

        assertThat(stuck).isTrue();
    }

    @Test
    void shouldNotBeStuckWhenTheSignallerHasReturned() throws InterruptedException {
        atLimit.set(true);
        doorbell.isStuck();
        letGo();

        assertThat(doorbell.isStuck()).isFalse();
    }

    private void ring() {
        inside.countDown();
        boolean interrupted = false;
        while (true) {
            try {
                letGo.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
