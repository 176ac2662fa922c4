import { expect, test } from "vitest";
import type { Breakdown, BreakdownRow } from "../src/answer";
import { differing, type Pair } from "../src/differs";

const row = (value: string, n: number, bad: number): BreakdownRow => ({
  value,
  n,
  samples: n,
  share: 0,
  quantiles: [],
  bins: [],
  ratings: { good: n - bad, needs_improvement: 0, poor: bad },
});
const by = (dimension: string, rows: BreakdownRow[]) => ({ by: dimension, rows }) as unknown as Breakdown;

/** Each value as [n, not good] in the selected time and in the whole. */
const pair = (dimension: string, values: Record<string, [[number, number], [number, number]]>): Pair => ({
  selected: by(
    dimension,
    Object.entries(values).map(([value, [selected]]) => row(value, ...selected)),
  ),
  whole: by(
    dimension,
    Object.entries(values).map(([value, [, whole]]) => row(value, ...whole)),
  ),
});

const BROWSER = pair("browser", {
  Safari: [
    [1000, 900],
    [5000, 1700],
  ],
  Chrome: [
    [3000, 600],
    [15_000, 3000],
  ],
});

test("the slice that got worse is found, with its own rest and the part that it accounts for", () => {
  const [first, ...more] = differing([BROWSER], 5);
  expect(first).toMatchObject({ dimension: "browser", value: "Safari", selected: 0.9, rest: expect.closeTo(0.2, 9), n: 1000 });
  expect(first?.part).toBeCloseTo(1, 6);
  expect(more).toEqual([]);
});

test("a mix that changed is not a slice that got worse", () => {
  // more of the slow country, each country as it was
  const mix = pair("country", {
    IN: [
      [3000, 1500],
      [5000, 2500],
    ],
    DE: [
      [1000, 100],
      [9000, 900],
    ],
  });
  expect(differing([mix], 5)).toEqual([]);
});

test("a difference within chance, or of too few, is not named", () => {
  expect(
    differing(
      [
        pair("os", {
          a: [
            [100, 22],
            [1000, 205],
          ],
          b: [
            [100, 20],
            [1000, 200],
          ],
        }),
      ],
      5,
    ),
  ).toEqual([]);
  expect(
    differing(
      [
        pair("os", {
          a: [
            [20, 20],
            [1000, 20],
          ],
          b: [
            [1000, 10],
            [5000, 50],
          ],
        }),
      ],
      5,
    ),
  ).toEqual([]);
});

test("slices of all dimensions are ranked together, the most telling first, and no more than asked for", () => {
  const device = pair("device", {
    mobile: [
      [2500, 1300],
      [12_000, 3700],
    ],
    desktop: [
      [1500, 200],
      [8000, 1000],
    ],
  });
  const found = differing([device, BROWSER], 5).map(({ value }) => value);
  // 700 of 700, and 668 of 700
  expect(found).toEqual(["Safari", "mobile"]);
  expect(differing([device, BROWSER], 1).length).toBe(1);
});

test("what is worse is measured against all of the rest, also of values that the selected time lacks", () => {
  const release: Pair = {
    selected: by("release", [row("2.0", 4000, 1500)]),
    whole: by("release", [row("2.0", 8000, 2900), row("1.0", 12_000, 1800)]),
  };
  // 1500 not good where the rest would have 800; of these 700 the release's own change is 100
  expect(differing([release], 5)).toMatchObject([{ value: "2.0", part: expect.closeTo(1 / 7, 6) }]);
});

test("nothing is named where the selected time is better than the rest", () => {
  expect(
    differing(
      [
        pair("os", {
          a: [
            [1000, 10],
            [5000, 1000],
          ],
        }),
      ],
      5,
    ),
  ).toEqual([]);
});
