/** A trend with its interval, without axes: what it reaches is said in its title. */

import type { Point, Quantile } from "../answer";
import { type Span, seconds } from "../range";

interface Props {
  points: readonly Point[];
  span: Span;
  step: number;
}

const [WIDTH, HEIGHT] = [200, 34];

/** Runs of neighbouring windows: a gap stays a gap. */
export function runs(points: readonly Point[], step: number): Point[][] {
  const found: Point[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    if (point.quantiles[0] === undefined) continue;
    const at = seconds(point.at);
    if (at - last > step * 1.5) found.push([]);
    found.at(-1)?.push(point);
    last = at;
  }
  return found;
}

export function Sparkline({ points, span, step }: Props) {
  const values = points.flatMap((point) => point.quantiles.slice(0, 1).map((quantile) => quantile.value));
  if (values.length < 2) return <svg class="spark" aria-hidden="true" />;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  // a trend that hardly moves must not look like a storm: the axis spans a fifth of the value at least
  const half = Math.max((high - low) * 0.55, ((high + low) / 2) * 0.1, 1e-9);
  const middle = (high + low) / 2;
  const x = (point: Point) => ((seconds(point.at) + step / 2 - span.from) / (span.to - span.from)) * WIDTH;
  const y = (value: number) => Math.min(HEIGHT, Math.max(0, (0.5 - (value - middle) / half / 2) * HEIGHT));
  const path = (of: [number, number][]) => of.map(([a, b], i) => `${i === 0 ? "M" : "L"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {runs(points, step).map((run) => {
        const [first] = run;
        const q = (point: Point): Quantile => point.quantiles[0] ?? { q: 0, value: middle };
        const upper = run.map((point): [number, number] => [x(point), y(q(point).high ?? q(point).value)]);
        const lower = run.map((point): [number, number] => [x(point), y(q(point).low ?? q(point).value)]).reverse();
        return (
          <g key={first?.at}>
            <path class="band" d={`${path([...upper, ...lower])}Z`} />
            {/* a lone window is a dot */}
            <path class="line" d={`${path(run.map((point) => [x(point), y(q(point).value)]))}${run.length === 1 ? "h.1" : ""}`} />
          </g>
        );
      })}
    </svg>
  );
}
