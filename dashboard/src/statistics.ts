/** The little statistics that the pages need beyond what the API answers. Pure. */

import type { Bin } from "./answer";

// the two-sided 95 % point of the normal distribution
const Z = 1.959964;

export interface Interval {
  low: number;
  high: number;
}

/** Wilson's interval of a share, in [0, 1], seen in `samples` independent ones (at least 1). */
export function wilson(share: number, samples: number): Interval {
  const zz = (Z * Z) / samples;
  const centre = (share + zz / 2) / (1 + zz);
  const half = (Z * Math.sqrt((share * (1 - share)) / samples + zz / (4 * samples))) / (1 + zz);
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** A share with the number of samples that it comes from. */
export interface Share {
  share: number;
  samples: number;
}

/** Newcombe's interval of `a - b`, two shares of independent samples. */
export function difference(a: Share, b: Share): Interval & { value: number } {
  const [ia, ib] = [wilson(a.share, a.samples), wilson(b.share, b.samples)];
  const value = a.share - b.share;
  return {
    value,
    low: value - Math.hypot(a.share - ia.low, ib.high - b.share),
    high: value + Math.hypot(ia.high - a.share, b.share - ib.low),
  };
}

/** Whether `ratio`, of counts that come from `a` and `b` independent events, is not just chance; what they are counted per is taken as known. */
export const unlike = (ratio: number, a: number, b: number): boolean =>
  a > 0 && b > 0 && Math.abs(Math.log(ratio)) > Z * Math.sqrt(1 / a + 1 / b);

export const total = (bins: readonly Bin[]): number => bins.reduce((sum, bin) => sum + bin.n, 0);

/**
 * The quantile `q`, in [0, 1], read off bins: within the bin the values are taken to be spread evenly
 * on the log axis. As exact as the bins are narrow. `null` without values.
 */
export function binQuantile(bins: readonly Bin[], q: number): number | null {
  const rank = q * total(bins);
  let seen = 0;
  for (const bin of bins) {
    if (bin.n > 0 && seen + bin.n >= rank) {
      const part = Math.max(0, (rank - seen) / bin.n);
      return bin.from > 0 ? bin.from * (bin.to / bin.from) ** part : bin.from + (bin.to - bin.from) * part;
    }
    seen += bin.n;
  }
  return null;
}

/** `whole` without `part`, which was counted in bins of the same bounds. */
export function subtract(whole: readonly Bin[], part: readonly Bin[]): Bin[] {
  const taken = new Map(part.map((bin) => [bin.from, bin.n]));
  return whole.map((bin) => ({ ...bin, n: Math.max(0, bin.n - (taken.get(bin.from) ?? 0)) }));
}
