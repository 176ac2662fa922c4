import { expect, test } from "vitest";
import { answer } from "../mock/handler.mjs";
import type { Breakdown, Heatmap, Histogram } from "../src/answer";

const ask = <T>(path: string, query: string) => answer(path, new URLSearchParams(query)) as T;
const DAY = "app=shop&metric=LCP&from=now-6h&to=now-1h";

// the pages subtract answers from each other, so the mock's must agree as the real ones do
test("the mock's heat map has the counts of its histogram", () => {
  const map = ask<Heatmap>("heatmap", `${DAY}&step=600s`);
  const inColumns = map.columns.reduce((sum, column) => sum + column.cells.reduce((n, [, count]) => n + count, 0), 0);
  expect(inColumns).toBe(map.n);
  expect(Math.abs(map.n - ask<Histogram>("histogram", DAY).n) / map.n).toBeLessThan(0.05);
});

test("the mock's breakdown by a modelled dimension adds up to the whole", () => {
  const by = ask<Breakdown>("breakdown", `${DAY}&by=route&limit=50`);
  expect(by.rows.reduce((sum, row) => sum + row.n, 0)).toBe(by.n);
});

test("the mock answers what is not counted together from samples", () => {
  const together = ask<Histogram>("histogram", `${DAY}&filter=plan:pro&filter=route:/`);
  expect(together).toMatchObject({ source: "samples", cuboid: [], sampled: { samples: expect.any(Number) } });
  expect(together.samples).toBeLessThan(together.n);
  expect(ask<Histogram>("histogram", DAY)).not.toHaveProperty("sampled");
});

test("the mock refuses what the API refuses, in its words", () => {
  for (const [query, reason] of [
    ["app=shop&metric=LCP&filter=plan:pro&filter=route:/&from=now-9d", "not_together"],
    ["app=nope&metric=LCP", "unknown_app"],
    ["app=shop&metric=nope", "unknown_metric"],
    ["app=shop&metric=LCP&filter=planet:mars", "unknown_dimension"],
    ["app=shop&metric=LCP&from=soon", "invalid_parameter"],
  ] as const) {
    expect(() => ask("histogram", query), query).toThrowError(
      expect.objectContaining({ body: { error: expect.objectContaining({ reason }) } }),
    );
  }
});
