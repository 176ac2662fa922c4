/** The colours of density, from few to many. Pure. */

/** Light: from the tokens. Dark: cividis, which reads the same with every kind of colour vision. */
const RAMPS = {
  light: ["#f4f1e8", "#d8dfe0", "#a9c0d3", "#6f97c4", "#3f6db3", "#244a97", "#142c6b", "#0a1740"],
  dark: ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"],
} as const;

/** Counts are drawn by this power of them, so that a few users in the tail are seen. */
const POWER = 0.55;

export const LEVELS = 64;

/** Colours as `#rrggbb`, [`LEVELS`] of them. */
export function ramp(dark: boolean): string[] {
  const stops = (dark ? RAMPS.dark : RAMPS.light).map(parse);
  return Array.from({ length: LEVELS }, (_, level) => {
    const place = (level / (LEVELS - 1)) * (stops.length - 1);
    const [a, b] = [stops[Math.floor(place)], stops[Math.ceil(place)]];
    return print(mix(a ?? [0, 0, 0], b ?? [0, 0, 0], place % 1));
  });
}

/** The level of a count against `max`: in [0, LEVELS). `n` must be above 0; above `max` it is drawn as `max`. */
export const level = (n: number, max: number): number => Math.min(LEVELS - 1, Math.floor((n / max) ** POWER * LEVELS));

type Rgb = [number, number, number];

const parse = (hex: string): Rgb => [1, 3, 5].map((start) => Number.parseInt(hex.slice(start, start + 2), 16)) as Rgb;
const print = (rgb: Rgb): string => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
const mix = (a: Rgb, b: Rgb, part: number): Rgb => a.map((from, i) => from + ((b[i] ?? 0) - from) * part) as Rgb;
