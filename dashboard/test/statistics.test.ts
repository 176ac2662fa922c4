import { describe, expect, test } from "vitest";
import { rate, shares, thresholdsOf } from "../src/rating";
import { binQuantile, difference, subtract, total, unlike, wilson } from "../src/statistics";

test("a value at a threshold is still the better side of it", () => {
  const lcp = { good: 2500, poor: 4000 };
  expect([2500, 2500.1, 4000, 4000.1].map((value) => rate(value, lcp))).toEqual(["good", "needs", "needs", "poor"]);
});

test("a metric without both thresholds has no rating", () => {
  expect(thresholdsOf({ good: 1 })).toBeNull();
  expect(thresholdsOf(undefined)).toBeNull();
  expect(thresholdsOf({ good: 0, poor: 1 })).toEqual({ good: 0, poor: 1 });
});

test("shares of nothing are none, else they add up to one", () => {
  expect(shares({ good: 0, needs_improvement: 0, poor: 0 })).toBeNull();
  const parts = shares({ good: 62, needs_improvement: 24, poor: 14 });
  expect((parts?.good ?? 0) + (parts?.needs ?? 0) + (parts?.poor ?? 0)).toBeCloseTo(1, 12);
});

test("a change of a count is one when it is more than chance, by the events that were seen and not their weights", () => {
  expect(unlike(2, 200, 100)).toBe(true);
  expect(unlike(0.5, 100, 200)).toBe(true);
  expect(unlike(3.6, 9, 3)).toBe(false);
  expect(unlike(2, 5, 0)).toBe(false);
});

describe("intervals", () => {
  test("Wilson's agrees with the published example of 15 in 50", () => {
    // 0.1910 to 0.4375: Newcombe 1998, and every textbook's calculator
    const { low, high } = wilson(15 / 50, 50);
    expect(low).toBeCloseTo(0.191, 3);
    expect(high).toBeCloseTo(0.4375, 3);
  });

  test("Newcombe's difference agrees with his example of 56 in 70 less 48 in 80", () => {
    // Newcombe 1998, method 10: 0.0524 to 0.3339
    const { value, low, high } = difference({ share: 56 / 70, samples: 70 }, { share: 48 / 80, samples: 80 });
    expect(value).toBeCloseTo(0.2, 10);
    expect(low).toBeCloseTo(0.0524, 3);
    expect(high).toBeCloseTo(0.3339, 3);
  });

  test("stay within [0, 1] at the ends", () => {
    expect(wilson(0, 10).low).toBe(0);
    expect(wilson(1, 10).high).toBeCloseTo(1, 12);
    expect(wilson(1, 10).high).toBeLessThanOrEqual(1);
    expect(wilson(0, 10).high).toBeGreaterThan(0.2);
  });
});

describe("bins", () => {
  // eight an octave from 100, like the API's
  const edge = (i: number) => 100 * 2 ** (i / 8);
  const bins = (counts: number[]) => counts.map((n, i) => ({ from: edge(i), to: edge(i + 1), n }));

  test("a quantile read off log-normal bins is within a bin's width of the true one", () => {
    const normal = (i: number) => Math.exp(-(((i - 20) / 6) ** 2) / 2);
    const p50 = binQuantile(bins(Array.from({ length: 41 }, (_, i) => Math.round(1e6 * normal(i)))), 0.5) ?? 0;
    expect(Math.abs(Math.log2(p50 / edge(20.5))) * 8).toBeLessThan(0.01);
  });

  test("a quantile of nothing is none, and of one bin lies in it", () => {
    expect(binQuantile(bins([0, 0]), 0.5)).toBeNull();
    const value = binQuantile(bins([0, 3]), 0.75) ?? 0;
    expect(value).toBeGreaterThan(edge(1));
    expect(value).toBeLessThan(edge(2));
  });

  test("a bin of zeros is read evenly, without a logarithm of nothing", () => {
    expect(binQuantile([{ from: 0, to: 0.001, n: 10 }], 0.5)).toBeCloseTo(0.0005, 9);
  });

  test("the rest is the whole less the part, bin by bin, and both add up", () => {
    const [whole, part] = [bins([5, 8, 2]), bins([0, 6, 2]).slice(1)];
    const rest = subtract(whole, part);
    expect(rest.map(({ n }) => n)).toEqual([5, 2, 0]);
    expect(total(rest) + total(part)).toBe(total(whole));
  });
});
