import { describe, expect, test } from "vitest";
import * as format from "../src/format";

/** With plain spaces, to be read. */
const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("values", () => {
  test.each([
    [0, "0 ms"],
    [3.42, "3.4 ms"],
    [9.97, "10 ms"],
    [174.4, "174 ms"],
    [999.4, "999 ms"],
    [999.6, "1.00 s"],
    [2710, "2.71 s"],
    [9_994, "9.99 s"],
    [12_345, "12.3 s"],
    [71_000, "71.0 s"],
    [125_000, "2.1 min"],
    [7_200_000, "2.0 h"],
  ])("a duration of %d ms reads %s", (ms, text) => expect(plain(format.value(ms, "ms"))).toBe(text));

  test.each([
    [0, "0"],
    [0.0062, "0.006"],
    [0.0647, "0.06"],
    [0.25, "0.25"],
    [12.34, "12.3"],
  ])("a score of %d reads %s", (v, text) => expect(format.value(v, "score")).toBe(text));

  test.each([
    [812, "812 B"],
    [1234, "1.23 kB"],
    [5_400_000, "5.4 MB"],
  ])("%d bytes read %s", (v, text) => expect(plain(format.value(v, "bytes"))).toBe(text));
});

test.each([
  [7, "7"],
  [999, "999"],
  [999.6, "1 k"],
  [41_208, "41.2 k"],
  [1_139_000, "1.14 M"],
  [999_600, "1 M"],
])("a compact count of %d reads %s", (n, text) => {
  expect(plain(format.compact(n))).toBe(text);
});

test("a full count has separators", () => expect(format.count(1_243_118)).toBe("1,243,118"));

test("a share near an end is never rounded to it", () => {
  expect(plain(format.percent(0.7142))).toBe("71.4 %");
  expect(plain(format.percent(0.99996))).toBe("> 99.9 %");
  expect(plain(format.percent(0.0002))).toBe("< 0.1 %");
  expect(plain(format.percent(0.002, 0))).toBe("< 1 %");
  expect(plain(format.percent(1))).toBe("100.0 %");
  expect(plain(format.percent(0))).toBe("0.0 %");
});

test("an interval's half-width is in the unit that its value is shown in, and is its wider half", () => {
  expect(format.plusMinus(2690, 2725, 2710, "ms")).toBe("±0.02");
  expect(format.plusMinus(171, 176, 174, "ms")).toBe("±3");
  expect(format.plusMinus(2.1, 2.5, 2.3, "ms")).toBe("±0.2");
  expect(format.plusMinus(0.058, 0.061, 0.06, "score")).toBe("±0.002");
});

test("an interval is never narrower than what a histogram can tell", () => {
  expect(format.plusMinus(144, 144, 144, "ms")).toBe("±0.6");
  expect(format.plusMinus(825, 825, 825, "ms")).toBe("±3");
});

test("a changed ratio has its sign, and none where it rounds to nothing", () => {
  expect([1.451, 0.82, 0.997, 1, 12.3].map((ratio) => plain(format.ratioChange(ratio)))).toEqual([
    "+45 %",
    "−18 %",
    "±0 %",
    "±0 %",
    "+1,130 %",
  ]);
});

test("an interval names its unit once where both ends have the same", () => {
  expect(plain(format.interval(2690, 2730, "ms"))).toBe("2.69–2.73 s");
  expect(plain(format.interval(950, 1040, "ms"))).toBe("950 ms–1.04 s");
  expect(format.interval(0.0412, 0.0431, "score")).toBe("0.041–0.043");
});

test("a change has a sign, a true minus, and none when it rounds to nothing", () => {
  expect(plain(format.change(4400, "ms"))).toBe("+4.40 s");
  expect(plain(format.change(-100, "ms"))).toBe("−100 ms");
  expect(plain(format.change(0.01, "ms"))).toBe("±0.0 ms");
  expect(format.change(-0.012, "score")).toBe("−0.012");
  expect(format.change(0.0002, "score")).toBe("±0");
});

test.each([
  [8, "8 s"],
  [250, "4 min"],
  [71_580, "19 h 53 min"],
  [7200, "2 h"],
  [273_600, "3 d 4 h"],
])("%d elapsed seconds read %s", (s, text) => {
  expect(plain(format.elapsed(s))).toBe(text);
});

test.each([
  [35_280_000, "9.8 h"],
  [2_520_000, "42.0 min"],
  [268_000_000, "3.1 d"],
  [800, "800 ms"],
])("%d ms in sum read %s", (ms, text) => expect(plain(format.lasting(ms))).toBe(text));

test("a p-value says the power of ten that it is below", () => {
  expect(plain(format.pValue(0.0312))).toBe("p = 0.03");
  expect(plain(format.pValue(3e-10))).toBe("p < 10⁻⁹");
  expect(plain(format.pValue(0))).toBe("p < 10⁻³⁰⁰");
});

test("a count says when it is an estimate, and from how much", () => {
  expect(format.counted(41_200, { source: "samples", samples: 812 })).toBe("n ≈ 41,200, estimated from 812 samples");
  expect(format.counted(41_200, { source: "rollups", samples: 41_000 })).toBe("n = 41,200");
});
