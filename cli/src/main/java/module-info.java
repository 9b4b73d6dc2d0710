@org.jspecify.annotations.NullMarked
module dev.airlock.cli {
    requires static org.jspecify;
    requires dev.airlock.lab;
    requires dev.airlock.nbd;
    requires info.picocli;
    requires me.tongfei.progressbar;
    requires tools.jackson.databind;
    requires HdrHistogram;

    opens dev.airlock.cli to
            info.picocli;
}
