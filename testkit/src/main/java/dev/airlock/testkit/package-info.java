/** What the tests of several modules share. */
package dev.airlock.testkit;
