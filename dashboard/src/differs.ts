/** Whose page views make a selected time worse than the rest. Pure. */

import type { Breakdown, BreakdownRow } from "./answer";
import { shares } from "./rating";
import { difference } from "./statistics";

export interface Differing {
  dimension: string;
  value: string;
  /** The part of its values that are not good, in [0, 1], in the selected time and in the rest. */
  selected: number;
  rest: number;
  /** Its values in the selected time. */
  n: number;
  /** How much of the whole difference it accounts for; above 1 when others got better. */
  part: number;
}

/** A breakdown of the selected time and of the whole that it is in, by one dimension. */
export interface Pair {
  selected: Breakdown;
  whole: Breakdown;
}

// fewer samples than this on either side say nothing
const ENOUGH = 30;
// what accounts for less of the difference than this explains nothing
const WORTH_SAYING = 0.05;

interface Counted {
  n: number;
  samples: number;
  bad: number;
}

const counted = (row: BreakdownRow | undefined): Counted => {
  const parts = row?.ratings === undefined ? null : shares(row.ratings);
  return row === undefined || parts === null
    ? { n: 0, samples: 0, bad: 0 }
    : { n: row.n, samples: row.samples, bad: (1 - parts.good) * row.n };
};

const less = (a: Counted, b: Counted): Counted => ({ n: a.n - b.n, samples: a.samples - b.samples, bad: Math.max(0, a.bad - b.bad) });
const sum = (all: readonly Counted[]): Counted =>
  all.reduce((a, b) => ({ n: a.n + b.n, samples: a.samples + b.samples, bad: a.bad + b.bad }), { n: 0, samples: 0, bad: 0 });

/**
 * The values, at most `most` and of all dimensions, that account for most of what is worse in the selected
 * time; only those that are worse there than in the rest beyond chance. Empty when the time is not worse.
 */
export function differing(pairs: readonly Pair[], most: number): Differing[] {
  const found = pairs.flatMap(({ selected, whole }) => {
    const wholeRows = new Map(whole.rows.map((row) => [row.value, counted(row)]));
    const rows = selected.rows.map((row) => {
      const own = counted(row);
      return { value: row.value, own, rest: less(wholeRows.get(row.value) ?? own, own) };
    });
    const ownAll = sum(rows.map(({ own }) => own));
    const restAll = less(sum([...wholeRows.values()]), ownAll);
    const excess = restAll.n > 0 ? ownAll.bad - (ownAll.n * restAll.bad) / restAll.n : 0;
    if (excess <= 0) return [];
    return rows.flatMap(({ value, own, rest }): Differing[] => {
      if (own.samples < ENOUGH || rest.samples < ENOUGH) return [];
      const [a, b] = [own.bad / own.n, rest.bad / rest.n];
      if (difference({ share: a, samples: own.samples }, { share: b, samples: rest.samples }).low <= 0) return [];
      const part = (own.n * (a - b)) / excess;
      if (part < WORTH_SAYING) return [];
      return [{ dimension: selected.by, value, selected: a, rest: b, n: own.n, part }];
    });
  });
  // of two that account for as much, the one with fewer page views is the more telling
  return found.sort((a, b) => b.part - a.part || a.n - b.n).slice(0, most);
}
