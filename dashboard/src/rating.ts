/** Good, needs work, poor: always colour, shape and word together. */

import type { Ratings } from "./answer";

export type Rating = "good" | "needs" | "poor";

export interface Thresholds {
  /** Inclusive. */
  good: number;
  /** A value above it is poor. */
  poor: number;
}

export const RATING_WORDS: Record<Rating, { shape: string; word: string }> = {
  good: { shape: "●", word: "good" },
  needs: { shape: "▲", word: "needs work" },
  poor: { shape: "◆", word: "poor" },
};

export function rate(value: number, thresholds: Thresholds): Rating {
  if (value <= thresholds.good) return "good";
  return value <= thresholds.poor ? "needs" : "poor";
}

/** A metric's thresholds; `null` where none are agreed on. */
export function thresholdsOf(metric: { good?: number; poor?: number } | undefined): Thresholds | null {
  return metric?.good === undefined || metric.poor === undefined ? null : { good: metric.good, poor: metric.poor };
}

/** The part of each, in [0, 1]; `null` when nothing was rated. */
export function shares(ratings: Ratings): Record<Rating, number> | null {
  const n = ratings.good + ratings.needs_improvement + ratings.poor;
  return n === 0 ? null : { good: ratings.good / n, needs: ratings.needs_improvement / n, poor: ratings.poor / n };
}
