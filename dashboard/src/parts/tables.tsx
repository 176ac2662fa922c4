/** Charts as tables, for those who would rather read numbers. */

import type { Bin, Timeseries, Unit } from "../answer";
import type { Line, LineValue } from "../charts/lines";
import * as format from "../format";
import { now } from "../live";
import { seconds } from "../range";
import { valueName } from "../slices";
import { total } from "../statistics";
import { moment } from "../time";
import { percentileName } from "./rated";

/** Quantiles, or only counts, of each window; newest first, as one looks at now before then. */
export function SeriesTable({ series, countsOnly = false }: { series: Timeseries; countsOnly?: boolean }) {
  const rows = series.series
    .flatMap((each) => each.points.map((point) => ({ at: seconds(point.at), value: each.value, point })))
    .sort((a, b) => b.at - a.at);
  const quantiles = countsOnly ? [] : (rows.find(({ point }) => point.quantiles.length > 0)?.point.quantiles ?? []).map(({ q }) => q);
  const split = series.group_by !== undefined;
  return (
    <div class="table-box scroll" tabIndex={0} role="region" aria-label={`${series.metric} over time`}>
      <table class="dense">
        <thead>
          <tr>
            <th scope="col">from</th>
            {split && <th scope="col">{series.group_by}</th>}
            <th scope="col" class="num">
              n
            </th>
            {quantiles.map((q) => (
              <th key={q} scope="col" class="num">
                {percentileName(q)}
              </th>
            ))}
            {quantiles.length > 0 && (
              <th scope="col" class="num">
                95 % interval of {percentileName(quantiles.at(-1) ?? 0)}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ at, value, point }) => {
            const last = point.quantiles.at(-1);
            return (
              <tr key={`${at} ${value ?? ""}`}>
                <td class="nowrap">{moment(at, now.value)}</td>
                {split && <td class="mono">{valueName(value ?? "")}</td>}
                <td class="num">{format.count(point.n)}</td>
                {quantiles.map((q) => {
                  const found = point.quantiles.find((quantile) => quantile.q === q);
                  return (
                    <td key={q} class="num">
                      {found === undefined ? "–" : format.value(found.value, series.unit)}
                    </td>
                  );
                })}
                {quantiles.length > 0 && (
                  <td class="num">
                    {last?.low === undefined || last.high === undefined ? "too few" : format.interval(last.low, last.high, series.unit)}
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

interface BinsProps {
  bins: readonly Bin[];
  selected?: readonly Bin[] | null;
  unit: Unit;
  /** What the two are called. */
  names?: readonly [string, string];
}

/** The bins of one distribution, or of a selection beside the rest. */
export function BinsTable({ bins, selected, unit, names = ["selected", "the rest"] }: BinsProps) {
  const all = total(bins);
  const ofSelected = new Map((selected ?? []).map((bin) => [bin.from, bin.n]));
  const selectedAll = total(selected ?? []);
  let below = 0;
  const shown = bins.filter((bin) => bin.n > 0 || (ofSelected.get(bin.from) ?? 0) > 0);
  return (
    <div class="table-box scroll" tabIndex={0} role="region" aria-label="distribution">
      <table class="dense">
        <thead>
          <tr>
            <th scope="col">values</th>
            {selected && (
              <th scope="col" class="num">
                {names[0]}
              </th>
            )}
            <th scope="col" class="num">
              {selected ? names[1] : "n"}
            </th>
            <th scope="col" class="num">
              up to here
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((bin) => {
            below += bin.n;
            const own = ofSelected.get(bin.from) ?? 0;
            return (
              <tr key={bin.from}>
                <td class="nowrap">{bin.from <= 0 ? `below ${format.value(bin.to, unit)}` : format.interval(bin.from, bin.to, unit)}</td>
                {selected && (
                  <td class="num">
                    {format.count(own)} <span class="third">{format.percent(selectedAll === 0 ? 0 : own / selectedAll)}</span>
                  </td>
                )}
                <td class="num">
                  {format.count(bin.n)} <span class="third">{format.percent(all === 0 ? 0 : bin.n / all)}</span>
                </td>
                <td class="num">{format.percent(all === 0 ? 0 : below / all)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Lines side by side: what each says in a window, and of how many. */
export function LinesTable({ lines, label, show }: { lines: readonly Line[]; label: string; show: (value: number) => string }) {
  const rows = new Map<number, Map<string, LineValue>>();
  for (const line of lines) {
    for (const each of line.values) {
      const row = rows.get(each.at) ?? new Map<string, LineValue>();
      rows.set(each.at, row.set(line.key, each));
    }
  }
  return (
    <div class="table-box scroll" tabIndex={0} role="region" aria-label={label}>
      <table class="dense">
        <thead>
          <tr>
            <th scope="col">from</th>
            {lines.map((line) => [
              <th key={line.key} scope="col" class="num">
                {line.label}
              </th>,
              <th key={`${line.key} n`} scope="col" class="num">
                n
              </th>,
            ])}
          </tr>
        </thead>
        <tbody>
          {[...rows]
            .sort(([a], [b]) => b - a)
            .map(([at, row]) => (
              <tr key={at}>
                <td class="nowrap">{moment(at, now.value)}</td>
                {lines.map((line) => {
                  const found = row.get(line.key);
                  const sure = found?.low === undefined || found.high === undefined ? "" : ` (${show(found.low)}–${show(found.high)})`;
                  return [
                    <td key={line.key} class="num">
                      {found === undefined ? "–" : show(found.value) + sure}
                    </td>,
                    <td key={`${line.key} n`} class="num">
                      {found === undefined ? "–" : format.count(found.n)}
                    </td>,
                  ];
                })}
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
