/** How good something is, in shape, word and colour; and values coloured by it. */

import type { Quantile, Ratings, Unit } from "../answer";
import * as format from "../format";
import { RATING_WORDS, type Rating, rate, shares, type Thresholds } from "../rating";

export function RatingWord({ rating }: { rating: Rating }) {
  const { shape, word } = RATING_WORDS[rating];
  return (
    <span class={`rating ${rating}`}>
      <span aria-hidden="true">{shape}</span> {word}
    </span>
  );
}

/** Good, needs work and poor as parts of one bar. */
export function RatioBar({ ratings }: { ratings: Ratings }) {
  const parts = shares(ratings);
  if (parts === null) return <div class="ratio" />;
  const words = `${format.percent(parts.good, 1)} good, ${format.percent(parts.needs, 1)} need work, ${format.percent(parts.poor, 1)} poor`;
  const all: Rating[] = ["good", "needs", "poor"];
  return (
    <div class="ratio" role="img" aria-label={words} title={words}>
      {all
        .filter((rating) => parts[rating] > 0)
        .map((rating) => (
          <i key={rating} class={rating} style={{ flex: `${parts[rating]} 0 0` }} />
        ))}
    </div>
  );
}

interface Props {
  quantile: Quantile | undefined;
  unit: Unit;
  n: number;
  /** Of the answer that it stands in. */
  source: string;
  thresholds: Thresholds | null;
  /** Whether its interval stands beside it. */
  precise?: boolean;
}

/** A quantile in a table's cell: coloured and shaped by its rating, with its interval in the title. */
export function QuantileCell({ quantile, unit, n, source, thresholds, precise = false }: Props) {
  if (quantile === undefined) return <span class="third">–</span>;
  // without an interval there are too few values to call it anything
  const rating = thresholds === null || quantile.low === undefined ? null : rate(quantile.value, thresholds);
  return (
    <span class={rating ?? (quantile.low === undefined ? "soft" : undefined)} title={quantileWords(quantile, unit, n, source)}>
      {rating !== null && rating !== "good" && (
        <span aria-hidden="true" class="shape">
          {RATING_WORDS[rating].shape}{" "}
        </span>
      )}
      {(precise ? format.precise : format.value)(quantile.value, unit)}
      {rating !== null && <span class="spoken"> {RATING_WORDS[rating].word}</span>}
    </span>
  );
}

/** What is said of numbers that come from samples, where there is no room to say more. */
export const ESTIMATE = "estimated from samples";

export const percentileName = (q: number): string => `p${Number((q * 100).toFixed(2))}`;

export function quantileWords({ q, value, low, high }: Quantile, unit: Unit, n: number, source: string): string {
  const sure =
    low === undefined || high === undefined ? "too few to give an interval" : `95 % interval ${format.interval(low, high, unit)}`;
  const of = source === "samples" ? `n ≈ ${format.count(n)}, ${ESTIMATE}` : `n = ${format.count(n)}, from rollups of all users`;
  return `${percentileName(q)} ${format.value(value, unit)}, ${sure}, ${of}`;
}
