package dev.airlock.lab.mapping;

/**
 * One question of the review with the answer of this run.
 *
 * @param question one sentence
 * @param answer a few sentences, with the run's own numbers
 */
public record Answer(String question, String answer) {}
