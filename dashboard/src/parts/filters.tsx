/** Who is shown: filters as chips, and the search by which they are added. */

import { useAnswer } from "../ask";
import { ask } from "../api";
import type { App, Dimension } from "../answer";
import { go, place, to } from "../place";
import { askable, dimensionName, valueName } from "../slices";
import { toggleFilter, withFilter } from "../url";
import { Picker, type Option } from "./picker";
import { Popover } from "./popover";
import { sentence } from "./states";

export function FilterChips({ app }: { app: App }) {
  const { filters } = place.value;
  return (
    <div class="chips" role="group" aria-label="filters">
      {Object.entries(filters).map(([dimension, values]) => (
        <span key={dimension} class="chip">
          <span class="chip-text">{dimensionName(dimension)} <b>{values.map(valueName).join(", ")}</b></span>
          <a class="chip-x" href={to({ filters: withFilter(filters, dimension, []) })} aria-label={`remove the filter on ${dimensionName(dimension)}`}>✕</a>
        </span>
      ))}
      <FilterButton app={app} look="quiet" label="+ filter" />
    </div>
  );
}

export function FilterButton({ app, look, label }: { app: App; look: string; label: string }) {
  return (
    <Popover class={look} label={label} name={label === "+ filter" ? "add a filter" : `filters: ${label}`}>
      {(close) => <Values app={app} close={close} />}
    </Popover>
  );
}

// a dimension and its value in one text; no dimension's name has a tab
const SEPARATOR = "\t";

function Values({ app, close }: { app: App; close: () => void }) {
  const { filters } = place.value;
  const known = useAnswer(ask.dimensions(app.id));
  const can = askable(app.dimensions, app.together, filters);
  const pick = (code: string) => {
    const [dimension = "", value = ""] = code.split(SEPARATOR);
    go({ filters: toggleFilter(filters, dimension, value), select: place.value.select });
    close();
  };
  if (known.refusal !== null) return <div class="pop-note">{sentence(known.refusal.detail)}</div>;
  if (known.answer === null) return <div class="pop-note">Looking which values there are …</div>;
  const dimensions = [...known.answer.dimensions].sort((a, b) => Number(can.includes(b.name)) - Number(can.includes(a.name)));
  return (
    <Picker
      name="filter by"
      search="search dimensions and values"
      options={dimensions.flatMap((dimension) => optionsOf(dimension, filters[dimension.name] ?? [], can.includes(dimension.name)))}
      free={(text) => freeOption(text, app.dimensions)}
      onPick={pick}
      note="Several values of one dimension are alternatives."
    />
  );
}

function optionsOf(dimension: Dimension, chosen: readonly string[], can: boolean): Option[] {
  const more = dimension.values_total - dimension.values.length;
  const group = dimensionName(dimension.name) + (can ? "" : " (not together with the filters that are set)") + (more > 0 ? ` (${more} more: type dimension:value)` : "");
  return dimension.values.map((value) => ({
    value: dimension.name + SEPARATOR + value,
    label: valueName(value),
    group,
    selected: chosen.includes(value),
    disabled: !can,
  }));
}

/** `route:/rare` for a value that is not among those listed. */
export function freeOption(text: string, dimensions: readonly string[]): Option | null {
  const colon = text.indexOf(":");
  const dimension = text.slice(0, Math.max(0, colon)).trim().replaceAll(" ", "_");
  if (!dimensions.includes(dimension)) return null;
  const value = text.slice(colon + 1).trim();
  return { value: dimension + SEPARATOR + value, label: valueName(value), group: dimensionName(dimension), hint: "as typed" };
}
