package dev.airlock.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import org.junit.jupiter.api.Test;

class ErrnoTest {
    @Test
    void shouldNameEveryConstantAsItIsCalled() throws IllegalAccessException {
        int constants = 0;
        for (Field field : Errno.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                assertThat(Errno.name(field.getInt(null))).isEqualTo(field.getName());
                constants++;
            }
        }
        assertThat(constants).isGreaterThan(30);
    }

    @Test
    void shouldNotNameNumbersThatLinuxDoesNotUse() {
        for (int errno : new int[] {-1, 0, 41, 58, 134, Integer.MAX_VALUE}) {
            assertThat(Errno.name(errno)).isEqualTo("E?");
        }
        assertThat(Errno.name(133)).isEqualTo("EHWPOISON");
    }
}
