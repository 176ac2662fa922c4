import { expect, test } from "vitest";
import * as range from "../src/range";

const NOW = Date.UTC(2026, 10, 21, 10, 0, 0) / 1000;
const { DAY, HOUR, WEEK } = range;

test("a range that ends now moves with the clock, a fixed one stays", () => {
  expect(range.resolve({ last: HOUR }, NOW)).toEqual({ from: NOW - HOUR, to: NOW });
  const fixed = { from: 1, to: 2 };
  expect(range.resolve(fixed, NOW)).toBe(fixed);
});

test.each([
  [HOUR, 60],
  [6 * HOUR, 300],
  [DAY, 600],
  [7 * DAY, HOUR],
  [21 * DAY, 3 * HOUR],
])("a chart of %d s has windows of %d s", (length, step) => {
  expect(range.stepFor({ from: NOW - length, to: NOW }, 170, NOW, 30 * DAY)).toBe(step);
});

test("a moving range is asked about in whole windows, as many of them at any time, and holds the range", () => {
  for (const [length, step] of [
    [HOUR, 60],
    [DAY, 600],
  ] as const)
    for (const now of [NOW, NOW + 1, NOW + 59, NOW + 321]) {
      const span = range.outward({ from: now - length, to: now }, step);
      expect(range.lengthOf(span)).toBe(length + step);
      expect([span.from % step, span.to % step, span.from <= now - length, span.to > now]).toEqual([0, 0, true, true]);
    }
});

test("an hour in words is not counted where it follows an article", () => {
  expect([HOUR, DAY, 21 * DAY].map(range.lengthNoun)).toEqual(["hour", "24 hours", "21 days"]);
});

test("where minutes are no longer kept, windows are an hour at least", () => {
  const old = { from: NOW - 40 * DAY, to: NOW - 40 * DAY + 6 * HOUR };
  expect(range.stepFor(old, 170, NOW, 8 * DAY)).toBe(HOUR);
});

test("every step divides a day, so that windows begin at the same times daily", () => {
  for (let length = HOUR; length < 400 * DAY; length *= 1.7) {
    expect(DAY % range.stepFor({ from: NOW - length, to: NOW }, 170, NOW, DAY)).toBe(0);
  }
});

test("what a range is compared with is as long, whole weeks earlier, and doesn't overlap it", () => {
  for (const length of [HOUR, DAY, WEEK, WEEK + 1, 3 * WEEK]) {
    const span = { from: NOW - length, to: NOW };
    const earlier = range.weeksEarlier(span);
    expect(range.lengthOf(earlier)).toBe(length);
    expect((span.from - earlier.from) % WEEK).toBe(0);
    expect(earlier.to).toBeLessThanOrEqual(span.from);
  }
});

test("a coarse span keeps its length and stays the same over the ticks of a minute", () => {
  const at = (tick: number) => range.coarse({ from: NOW - DAY + tick, to: NOW + tick });
  expect(range.lengthOf(at(7))).toBe(DAY);
  expect(at(10)).toEqual(at(50));
  expect(at(7).from).toBeLessThanOrEqual(NOW - DAY + 7);
});

test.each(["1h", "6h", "24h", "7d", "21d", "90m"])("the length %s reads back as it was written", (code) => {
  const length = range.parseLength(code);
  expect(length).not.toBeNull();
  expect(range.lengthCode(length ?? 0)).toBe(code);
});

test("what is no length, or longer than two years, is none", () => {
  for (const bad of ["", "h", "0h", "1.5h", "-1h", "1w", "now", "9999d", "1h "]) expect(range.parseLength(bad), bad).toBeNull();
});

test("a fixed span reads back as it was written, to the second", () => {
  for (const span of [
    { from: NOW - DAY, to: NOW },
    { from: NOW + 7, to: NOW + 61 },
  ])
    expect(range.parseSpan(range.spanCode(span))).toEqual(span);
  expect(range.spanCode({ from: NOW - DAY, to: NOW })).toBe("2026-11-20T10:00Z..2026-11-21T10:00Z");
});

test("a span that ends before it begins, or has more or fewer ends than two, is none", () => {
  for (const bad of ["2026-11-21T10:00Z..2026-11-20T10:00Z", "2026-11-21T10:00Z", "a..b", "2026-01-01..2026-01-02..2026-01-03"])
    expect(range.parseSpan(bad), bad).toBeNull();
});

test.each([
  [HOUR, "the same hour a week earlier"],
  [DAY, "the same 24 hours a week earlier"],
  [WEEK, "the week before"],
  [3 * WEEK, "the 21 days before"],
])("a range of %d s is compared with %s", (length, name) => expect(range.earlierName({ from: NOW - length, to: NOW })).toBe(name));
