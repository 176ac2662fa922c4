import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const SHEETS = new URL("../src/styles/", import.meta.url);
const css = readFileSync(new URL("tokens.css", SHEETS), "utf8");
const block = (selector: string) =>
  Object.fromEntries(
    [...(css.split(selector)[1]?.split("}")[0] ?? "").matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
  ) as Record<string, string>;
const THEMES = { light: block(":root {"), dark: block(':root[data-theme="dark"] {') };

/** Relative luminance, as WCAG 2 defines it. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return ((x ?? 0) + 0.05) / ((y ?? 0) + 0.05);
}

test.each(Object.entries(THEMES))("in the %s theme every text reaches 4.5 : 1 on every ground it stands on", (_, tokens) => {
  for (const text of ["ink", "second", "third", "accent", "good", "needs", "poor", "selection"]) {
    for (const ground of ["ground", "panel"])
      expect(contrast(tokens[text] ?? "", tokens[ground] ?? ""), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  }
  for (const text of ["ink", "second"])
    expect(contrast(tokens[text] ?? "", tokens.hover ?? ""), `${text} on hover`).toBeGreaterThanOrEqual(4.5);
});

test.each(Object.entries(THEMES))("in the %s theme what is drawn as data reaches 3 : 1 on its panel", (_, tokens) => {
  for (const drawn of ["accent", "rest", "selection", "good", "needs", "poor", "line-1", "line-2", "line-3", "line-4"]) {
    expect(contrast(tokens[drawn] ?? "", tokens.panel ?? ""), drawn).toBeGreaterThanOrEqual(3);
  }
});

test("only the tokens name colours", () => {
  for (const sheet of readdirSync(SHEETS).filter((name) => name !== "tokens.css")) {
    const text = readFileSync(new URL(sheet, SHEETS), "utf8");
    expect(text.match(/#[0-9a-f]{3,8}\b|rgba?\(/g), sheet).toBeNull();
  }
});
