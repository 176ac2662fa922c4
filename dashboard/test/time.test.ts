import { describe, expect, test } from "vitest";
import { DAY, HOUR } from "../src/range";
import { moment, rangeName, spanName, timeTicks, zoneOffset } from "../src/time";

const BERLIN = "Europe/Berlin";
/** Friday, 2026-11-20 10:00 UTC: 11:00 in Berlin. */
const FRIDAY = Date.UTC(2026, 10, 20, 10) / 1000;

test("a moment says the day only when it is another one", () => {
  expect(moment(FRIDAY, FRIDAY + HOUR, BERLIN)).toBe("11:00");
  expect(moment(FRIDAY, FRIDAY + DAY, BERLIN)).toBe("Fri 11:00");
  expect(moment(FRIDAY, FRIDAY + 20 * DAY, BERLIN)).toBe("20 Nov 11:00");
});

test("a span names its day once when it lies within one", () => {
  expect(spanName({ from: FRIDAY, to: FRIDAY + 2 * HOUR }, FRIDAY + DAY, BERLIN)).toBe("Fri 11:00–13:00");
  expect(spanName({ from: FRIDAY, to: FRIDAY + 20 * HOUR }, FRIDAY + DAY, BERLIN)).toBe("Fri 11:00 – Sat 07:00");
});

test("presets have names, other lengths are said", () => {
  expect(rangeName({ last: DAY }, FRIDAY, BERLIN)).toBe("Last 24 hours");
  expect(rangeName({ last: 90 * 60 }, FRIDAY, BERLIN)).toBe("Last 90 minutes");
});

describe("ticks of the time axis", () => {
  const span = { from: FRIDAY, to: FRIDAY + DAY };

  test("stand at round local times within the span and name the first day and each new one", () => {
    const ticks = timeTicks(span, 6, BERLIN);
    expect(ticks.map(({ label }) => label)).toEqual(["Fri 12:00", "18:00", "Sat 00:00", "06:00"]);
    for (const { at } of ticks) expect(at >= span.from && at <= span.to).toBe(true);
  });

  test("are never more than asked for, for any length", () => {
    for (let length = 300; length < 400 * DAY; length *= 1.5) {
      for (const most of [2, 5, 12])
        expect(timeTicks({ from: FRIDAY, to: FRIDAY + length }, most, BERLIN).length).toBeLessThanOrEqual(most + 1);
    }
  });

  test("stay at midnight across a change to winter time", () => {
    // in Berlin the clocks went back on 2026-10-25
    const across = { from: Date.UTC(2026, 9, 23) / 1000, to: Date.UTC(2026, 9, 28) / 1000 };
    const midnights = timeTicks(across, 6, BERLIN).map(({ at }) => new Date(at * 1000).toISOString().slice(5, 16));
    expect(midnights).toEqual(["10-23T22:00", "10-24T22:00", "10-25T23:00", "10-26T23:00", "10-27T23:00"]);
  });
});

test("a zone's offset follows its clocks", () => {
  expect(zoneOffset(FRIDAY, BERLIN)).toBe(3600);
  expect(zoneOffset(Date.UTC(2026, 6, 1) / 1000, BERLIN)).toBe(7200);
  expect(zoneOffset(FRIDAY, "Asia/Kolkata")).toBe(5.5 * 3600);
});
