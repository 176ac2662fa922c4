import { describe, expect, test } from "vitest";
import type { Anomaly, Column } from "../src/answer";
import { barsOf, outline, sharedAxis, tallestOf } from "../src/charts/distribution";
import { binsOf, gridOf, layout, rowAt, scaleFor, shownCounts } from "../src/charts/heatmap";
import { axisOf, type Line, quantileValues, spreadLabels, steady, steadyStep, table } from "../src/charts/lines";
import { flagBars, LANES, releaseMarks } from "../src/charts/marks";
import { LEVELS, level, ramp } from "../src/charts/ramp";
import { axisLabel, linearTicks, logScale, scaleOf, valueTicks } from "../src/charts/scale";
import { columnsBetween, columnsOf } from "../src/charts/selecting";
import { runs } from "../src/charts/sparkline";

const START = Date.UTC(2026, 10, 20, 10) / 1000;
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
const octaves = (from: number, n: number) => Array.from({ length: n }, (_, i) => ({ from: from * 2 ** i, to: from * 2 ** (i + 1) }));
const LCP = { good: 2500, poor: 4000 };

describe("the axis of values", () => {
  test("puts equal ratios at equal distances", () => {
    const scale = logScale(100, 1600);
    expect([100, 200, 400, 1600].map(scale.at)).toEqual([0, 0.25, 0.5, 1].map((at) => expect.closeTo(at, 12)));
    expect(scale.value(scale.at(733))).toBeCloseTo(733, 6);
  });

  test("keeps values beyond it at its ends", () => {
    const scale = logScale(100, 1600);
    expect([0, 50, 1e9].map(scale.at)).toEqual([0, 0, 1]);
  });

  test("has a place of its own for zeros, below all else", () => {
    const scale = logScale(0.001, 1, true);
    expect(scale.at(0)).toBe(0);
    expect(scale.at(0.001)).toBeGreaterThan(0.02);
    expect(scale.value(0.01)).toBe(0);
  });

  test("shows both thresholds with room, and leaves out the outermost few in ten thousand", () => {
    const bins = [
      { from: 1, to: 2, n: 1 },
      { from: 1800, to: 2000, n: 9998 },
      { from: 1e6, to: 2e6, n: 1 },
    ];
    const scale = scaleOf(bins, LCP);
    expect(scale.min).toBe(1250);
    expect(scale.max).toBe(6000);
  });

  test("holds even when there is nothing to show", () => {
    expect(scaleOf([], null)).toMatchObject({ min: 1, max: 10, zero: false });
  });

  test("has ticks at the thresholds and at round values, far enough apart to be read", () => {
    const ticks = valueTicks(logScale(250, 16_000), "ms", LCP, 0.08);
    expect(ticks.map(({ label }) => label.replace("\u00a0", " "))).toEqual(["250 ms", "500 ms", "1 s", "2.5 s", "4 s", "10 s"]);
    for (const [i, tick] of ticks.slice(1).entries()) expect(tick.at - (ticks[i]?.at ?? 0)).toBeGreaterThanOrEqual(0.08);
  });

  test.each([
    ["ms", 0, "0"],
    ["ms", 250, "250 ms"],
    ["ms", 2500, "2.5 s"],
    ["ms", 240_000, "4 min"],
    ["score", 0.025, "0.025"],
    ["bytes", 500_000, "500 kB"],
    ["count", 2500, "2.5 k"],
    ["count", 0.5, "0.5"],
  ] as const)("a %s of %d is labelled %s", (unit, value, label) => expect(axisLabel(value, unit).replace("\u00a0", " ")).toBe(label));

  test("linear ticks are round and within", () => {
    expect(linearTicks(0, 8.3, 4)).toEqual([0, 2.5, 5, 7.5]);
    expect(linearTicks(1.9, 4.1, 3)).toEqual([2, 3, 4]);
    expect(linearTicks(3, 3, 4)).toEqual([]);
  });
});

describe("the heat map", () => {
  const rows = octaves(500, 5);
  const column = (at: number, cells: [number, number][]): Column => ({
    at: iso(START + at),
    n: cells.reduce((sum, [, n]) => sum + n, 0),
    cells,
  });
  const map = {
    from: iso(START),
    to: iso(START + 1800),
    step_s: 600,
    rows,
    columns: [
      column(0, [
        [0, 1],
        [2, 9],
      ]),
      column(1200, [
        [2, 4],
        [4, 2],
      ]),
    ],
  };
  const grid = gridOf(map);

  test("has a column for every window, those without values empty", () => {
    expect(grid.columns).toBe(3);
    expect([...grid.totals]).toEqual([10, 0, 6]);
    expect(grid.max).toBe(9);
  });

  test("loses no count: its bins over any columns add up to theirs", () => {
    expect(binsOf(grid).map(({ n }) => n)).toEqual([1, 0, 13, 0, 2]);
    expect(binsOf(grid, 2, 3).map(({ n }) => n)).toEqual([0, 0, 4, 0, 2]);
  });

  test("covers its width without gap or overlap, in whole pixels", () => {
    const { x } = layout(grid, scaleFor(grid, null), 1001, 300);
    expect([...x]).toEqual([0, 334, 667, 1001]);
  });

  test("stacks its rows from the bottom without gap or overlap", () => {
    const cells = layout(grid, scaleFor(grid, null), 100, 301);
    expect(cells.bottom[0]).toBe(301);
    for (let r = 1; r < rows.length; r += 1) expect(cells.bottom[r]).toBe(cells.top[r - 1]);
    expect(cells.top[4]).toBe(0);
  });

  test("counts what is beyond the axis in the outermost row that is on it", () => {
    const cells = layout(grid, logScale(1000, 8000), 100, 300);
    const { counts } = shownCounts(grid, cells);
    expect([...counts.slice(0, 5)]).toEqual([0, 1, 9, 0, 0]);
    expect([...counts.slice(10)]).toEqual([0, 0, 4, 2, 0]);
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(16);
  });

  test("says which row is under a pixel, and none beyond it", () => {
    const cells = layout(grid, scaleFor(grid, null), 100, 300);
    expect(rowAt(cells, 299)).toBe(0);
    expect(rowAt(cells, 0)).toBe(4);
    expect(rowAt(cells, 300)).toBe(-1);
  });

  test("gives zeros a band of their own that does not pale the others", () => {
    const zeros = gridOf({
      ...map,
      rows: [{ from: 0, to: 500 }, ...octaves(500, 4)],
      columns: [
        column(0, [
          [0, 5000],
          [2, 90],
        ]),
      ],
    });
    const scale = scaleFor(zeros, null);
    const cells = layout(zeros, scale, 100, 300);
    expect(scale.zero).toBe(true);
    expect(cells.bottom[0]).toBe(300);
    expect(cells.top[0]).toBe(cells.bottom[2]);
    expect(shownCounts(zeros, cells).max).toBe(90);
  });

  test("never draws a single one as many", () => {
    const few = gridOf({ ...map, columns: [column(0, [[1, 1]])] });
    const { max } = shownCounts(few, layout(few, scaleFor(few, null), 10, 10));
    expect(level(1, max)).toBeLessThan(LEVELS / 2);
  });

  test("has colours that only get darker in the light, brighter in the dark, and few already differ from none", () => {
    const brightness = (hex: string) => [1, 3, 5].reduce((sum, at) => sum + Number.parseInt(hex.slice(at, at + 2), 16), 0);
    const falls = ramp(false).map(brightness);
    const rises = ramp(true).map(brightness);
    for (let i = 1; i < LEVELS; i += 1) {
      expect(falls[i]).toBeLessThanOrEqual(falls[i - 1] ?? 0);
      expect(rises[i]).toBeGreaterThanOrEqual(rises[i - 1] ?? 0);
    }
    expect(level(1, 10_000)).toBe(0);
    expect(level(10_000, 10_000)).toBe(LEVELS - 1);
    expect(level(100, 1000)).toBe(Math.floor(0.1 ** 0.55 * LEVELS));
  });
});

test("small shapes are not scaled by one that comes from a handful of values", () => {
  const spread = octaves(100, 8).map((bounds) => ({ ...bounds, n: 50 }));
  const spike = octaves(100, 8).map((bounds, i) => ({ ...bounds, n: i === 3 ? 100 : 0 }));
  const alone = sharedAxis([{ bins: spread, samples: 400 }], null);
  expect(
    sharedAxis(
      [
        { bins: spread, samples: 400 },
        { bins: spike, samples: 1 },
      ],
      null,
    ).tallest,
  ).toBeCloseTo(alone.tallest, 9);
  expect(
    sharedAxis(
      [
        { bins: spread, samples: 400 },
        { bins: spike, samples: 400 },
      ],
      null,
    ).tallest,
  ).toBeGreaterThan(alone.tallest);
});

describe("distributions", () => {
  const scale = logScale(100, 1600);
  const bins = [
    { from: 100, to: 200, n: 10 },
    { from: 200, to: 400, n: 30 },
    { from: 400, to: 1600, n: 60 },
  ];

  test("have bars whose area, not height, is the share of values", () => {
    const bars = barsOf(bins, scale, tallestOf([bins], scale));
    const areas = bars.map((bar) => (bar.right - bar.left) * bar.height);
    const whole = areas.reduce((sum, area) => sum + area, 0);
    expect(areas.map((area) => area / whole)).toEqual([0.1, 0.3, 0.6].map((share) => expect.closeTo(share, 9)));
    expect(Math.max(...bars.map((bar) => bar.height))).toBeCloseTo(1, 12);
  });

  test("of different sizes have the same shape when they are drawn together", () => {
    const ten = bins.map((bin) => ({ ...bin, n: bin.n * 10 }));
    const tallest = tallestOf([bins, ten], scale);
    expect(barsOf(ten, scale, tallest).map(({ height }) => height)).toEqual(
      barsOf(bins, scale, tallest).map(({ height }) => expect.closeTo(height, 12)),
    );
  });

  test("leave out what is beyond the axis", () => {
    expect(barsOf([{ from: 10, to: 20, n: 5 }, ...bins], scale, 1).length).toBe(3);
  });

  test("are not flattened by their zeros", () => {
    const withZeros = [{ from: 0, to: 100, n: 9000 }, ...bins];
    const zeroScale = logScale(100, 1600, true);
    const bars = barsOf(withZeros, zeroScale, tallestOf([withZeros], zeroScale));
    expect(bars[0]?.height).toBe(1);
    expect(Math.max(...bars.slice(1).map(({ height }) => height))).toBeCloseTo(1, 12);
  });

  test("are outlined down to the axis where a stretch has no values", () => {
    const line = outline(
      barsOf(
        [bins[0], bins[2]].flatMap((bin) => bin ?? []),
        scale,
        1,
      ),
    );
    expect(line.filter(([, y]) => y === 0).map(([x]) => x)).toEqual([0, 0.25, 0.5, 1].map((x) => expect.closeTo(x, 9)));
  });
});

describe("lines", () => {
  const point = (at: number, value: number, n = 50) => ({
    at: iso(START + at),
    n,
    samples: n,
    quantiles: [{ q: 0.75, value, low: value - 1, high: value + 1 }],
  });
  const line = (values: [number, number][], band = false): Line => ({
    key: "a",
    label: "a",
    colour: "--accent",
    band,
    values: quantileValues(
      values.map(([at, value]) => point(at, value)),
      0,
    ),
  });

  test("leave out windows with too few values where others have enough", () => {
    const few = point(600, 900, 7);
    const of = (points: Parameters<typeof quantileValues>[0]): Line => ({ ...line([]), values: quantileValues(points, 0) });
    const values = (lines: Line[]) => steady(lines).map((each) => each.values.map(({ value }) => value));
    expect(values([of([point(0, 5), few, point(1200, 7)]), of([few])])).toEqual([[5, 7], []]);
    expect(values([of([few, { ...few, at: iso(START) }])])).toEqual([[900, 900]]);
    expect(values([of([point(0, 5, 8), point(600, 6, 8)])])).toEqual([[5, 6]]);
  });

  test("get wider windows where the usual one has too few values, but not so wide that no line is left", () => {
    const day = { from: START, to: START + 86_400 };
    const series = (samples: number) => ({ n: samples, points: [point(0, 1, samples), point(600, 1, samples), point(1200, 1, 1000)] });
    const of = (samples: number) => [series(samples), { ...series(1), n: 1 }];
    expect(steadyStep(of(300), 600, day)).toBe(600);
    expect(steadyStep(of(10), 600, day)).toBe(1800);
    expect(steadyStep(of(1), 600, day)).toBe(7200);
    expect(steadyStep([], 600, day)).toBe(600);
  });

  test("have a place for every window, those without a value left empty", () => {
    const [x, y] = table(
      [
        line([
          [0, 5],
          [1200, 7],
        ]),
      ],
      { from: START, to: START + 1800 },
      600,
    );
    expect(x).toEqual([START + 300, START + 900, START + 1500]);
    expect(y).toEqual([5, null, 7]);
  });

  test("carry their interval as two more series where it is drawn", () => {
    const series = table([line([[0, 5]], true)], { from: START, to: START + 600 }, 600);
    expect(series.slice(1)).toEqual([[5], [6], [4]]);
  });

  test("get an axis that does not blow up a small wobble, and begins at zero where it counts", () => {
    const { min, max } = axisOf(
      [
        line([
          [0, 1000],
          [600, 1010],
        ]),
      ],
      false,
      null,
    );
    expect((max - min) / 1000).toBeGreaterThan(0.3);
    expect(axisOf([line([[0, 1000]])], true, null).min).toBe(0);
    expect(axisOf([], false, null)).toEqual({ min: 0, max: 1 });
  });

  test("get an axis with the threshold on it when that is near", () => {
    expect(axisOf([line([[0, 2000]])], false, 2500).max).toBeGreaterThan(2500);
    expect(axisOf([line([[0, 200]])], false, 2500).max).toBeLessThan(400);
  });

  test("have names at their ends that keep their order and never overlap", () => {
    const places = spreadLabels([0.5, 0.51, 0.2, 0.98, 0.99, 1], 0.06);
    const sorted = [...places].sort((a, b) => a - b);
    for (let i = 1; i < sorted.length; i += 1) expect((sorted[i] ?? 0) - (sorted[i - 1] ?? 0)).toBeGreaterThanOrEqual(0.0599);
    expect(places[2]).toBe(sorted[0]);
    expect(Math.max(...places)).toBeLessThanOrEqual(1);
  });

  test("a trend breaks where windows are missing", () => {
    expect(runs([point(0, 1), point(600, 2), point(3000, 3)], 600).map((run) => run.length)).toEqual([2, 1]);
  });
});

describe("marks on time", () => {
  const span = { from: START, to: START + 1000 };
  const release = (name: string, at: number) => ({ release: name, first_seen: iso(START + at) });

  test("name the newest release where two are too near, and keep both lines", () => {
    const marks = releaseMarks([release("1.0", 500), release("1.1", 510), release("0.9", 20)], span, 600);
    expect(marks.map(({ label, named }) => [label, named])).toEqual([
      ["release 1.1", true],
      ["1.0", false],
      ["0.9", true],
    ]);
  });

  test("put a name to the left of its line where the right has no room, and leave out what is outside", () => {
    const marks = releaseMarks([release("2.0", 990), release("old", -5), release("new", 2000)], span, 600);
    expect(marks.map(({ name, flipped }) => [name, flipped])).toEqual([["2.0", true]]);
  });

  const anomaly = (slice: Record<string, string>, from: number, to: number, metric = "LCP"): Anomaly => ({
    metric,
    unit: "ms",
    slice,
    rule: "shift",
    from: iso(START + from),
    to: iso(START + to),
    minutes: 1,
    observed: 2,
    expected: 1,
    effect: 1,
    n: 9,
    p_value: 0.001,
  });

  test("join flags of one slice that touch, and put overlapping slices into lanes", () => {
    const bars = flagBars(
      [
        anomaly({ route: "/a" }, 100, 300),
        anomaly({ route: "/a" }, 300, 500),
        anomaly({ route: "/b" }, 200, 400),
        anomaly({ route: "/b" }, 600, 700),
      ],
      {},
      span,
    );
    expect(bars.map(({ lane, left, right }) => [lane, left, right])).toEqual([
      [0, 0.1, 0.5],
      [1, 0.2, 0.4],
      [0, 0.6, 0.7],
    ]);
  });

  test("show no more lanes than there is room for, and only flags that concern the view", () => {
    const many = ["a", "b", "c", "d", "e"].map((value) => anomaly({ route: value }, 0, 900));
    expect(flagBars(many, {}, span).length).toBe(LANES);
    expect(flagBars(many, { route: ["b"] }, span).map(({ slice }) => slice)).toEqual([{ route: "b" }]);
  });
});

describe("selecting", () => {
  test("takes in both windows it was dragged between, in either direction", () => {
    expect(columnsBetween(3, 7)).toEqual([3, 8]);
    expect(columnsBetween(7, 3)).toEqual([3, 8]);
    expect(columnsBetween(4, 4)).toEqual([4, 5]);
  });

  test("shows the part of a selection that is on the chart, and none when it has moved off", () => {
    const span = { from: START, to: START + 6000 };
    expect(columnsOf({ from: START + 600, to: START + 1800 }, span, 600, 10)).toEqual([1, 3]);
    expect(columnsOf({ from: START - 600, to: START + 600 }, span, 600, 10)).toEqual([0, 1]);
    expect(columnsOf({ from: START - 1200, to: START }, span, 600, 10)).toBeNull();
  });
});
