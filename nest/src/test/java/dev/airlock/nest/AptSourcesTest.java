package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class AptSourcesTest {
    private static String backports(String text, boolean isOneLine) {
        return AptSources.withSuite(
                List.of(new AptSources.Source(text, isOneLine)), "stable", "stable-backports");
    }

    @Test
    void shouldChangeTheSuiteOfStanzasThatHaveItAndLeaveOthersOut() {
        String text =
                """
                Types: deb deb-src
                # a comment
                URIs: http://mirror.invalid/debian
                Suites: stable stable-updates
                Components: main contrib
                Signed-By: /usr/share/keyrings/k.gpg

                Types: deb
                URIs: http://mirror.invalid/security
                Suites: stable-security
                Components: main

                Enabled: no
                Types: deb
                URIs: http://off.invalid/debian
                Suites: stable
                Components: main
                """;
        assertThat(backports(text, false))
                .isEqualTo(
                        """
                        Types: deb
                        URIs: http://mirror.invalid/debian
                        Suites: stable-backports
                        Components: main contrib
                        Signed-By: /usr/share/keyrings/k.gpg

                        """);
    }

    @Test
    void shouldKeepContinuedFieldsSuchAsAKeyInTheFile() {
        String text =
                """
                Types: deb
                URIs: http://mirror.invalid/debian
                Suites: stable
                Components: main
                Signed-By:
                 -----BEGIN PGP PUBLIC KEY BLOCK-----
                 .
                 mQ: x
                """;
        assertThat(backports(text, false)).contains("Signed-By:\n -----BEGIN", "\n .\n mQ: x\n");
    }

    @Test
    void shouldTurnLinesIntoStanzas() {
        String text =
                """
                # deb http://comment.invalid stable main
                deb [arch=amd64 signed-by=/k.gpg] http://mirror.invalid/debian stable main contrib
                deb http://mirror.invalid/security stable-security main
                deb-src http://mirror.invalid/debian stable main
                """;
        assertThat(backports(text, true))
                .isEqualTo(
                        """
                        Types: deb
                        URIs: http://mirror.invalid/debian
                        Suites: stable-backports
                        Components: main
                        Signed-By: /k.gpg

                        """);
    }

    @Test
    void shouldBeEmptyWhereNoSourceHasTheSuite() {
        assertThat(backports("deb http://mirror.invalid stable-updates main\n", true)).isEmpty();
    }
}
