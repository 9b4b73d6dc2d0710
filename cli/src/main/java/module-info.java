@org.jspecify.annotations.NullMarked
module dev.airlock.cli {
    requires static org.jspecify;
    requires dev.airlock.lab;
    requires dev.airlock.nbd;
    requires dev.airlock.nest;
    requires dev.airlock.vmm;
    requires info.picocli;
    requires me.tongfei.progressbar;
    requires tools.jackson.databind;
    requires HdrHistogram;
    // What Bouncy Castle's provider requires; PskFolder loads that only when it is asked for.
    requires java.sql;

    uses dev.airlock.nbd.PskSessions.Provider;

    opens dev.airlock.cli to
            info.picocli;
}
