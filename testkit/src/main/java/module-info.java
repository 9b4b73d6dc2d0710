/** What the tests of several modules share. */
@org.jspecify.annotations.NullMarked
module dev.airlock.testkit {
    requires static org.jspecify;
    requires java.management;
    requires jdk.management;

    exports dev.airlock.testkit;
}
