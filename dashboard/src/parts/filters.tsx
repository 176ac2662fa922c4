/** Who is shown: filters as chips, and the search by which they are added. */

import type { App } from "../answer";
import { ask } from "../api";
import { useAnswer } from "../ask";
import { go, place, to } from "../place";
import { countedBeside, dimensionName, valueName } from "../slices";
import { toggleFilter, withFilter } from "../url";
import { filterOf, freeOption, optionsOf } from "./options";
import { Picker } from "./picker";
import { Popover } from "./popover";
import { sentence } from "./states";

export function FilterChips({ app }: { app: App }) {
  const { filters } = place.value;
  return (
    <div class="chips" role="group" aria-label="filters">
      {Object.entries(filters).map(([dimension, values]) => (
        <span key={dimension} class="chip">
          <span class="chip-text">
            {dimensionName(dimension)} <b>{values.map(valueName).join(", ")}</b>
          </span>
          <a
            class="chip-x"
            href={to({ filters: withFilter(filters, dimension, []) })}
            aria-label={`remove the filter on ${dimensionName(dimension)}`}
          >
            ✕
          </a>
        </span>
      ))}
      <FilterButton app={app} look="quiet" label="+ filter" />
    </div>
  );
}

export function FilterButton({ app, look, label }: { app: App; look: string; label: string }) {
  return (
    <Popover class={look} label={label} name={label === "+ filter" ? label : `filters: ${label}`}>
      {(close) => <Values app={app} close={close} />}
    </Popover>
  );
}

function Values({ app, close }: { app: App; close: () => void }) {
  const { filters } = place.value;
  const known = useAnswer(ask.dimensions(app.id));
  const counted = countedBeside(app.dimensions, app.together, filters);
  const pick = (code: string) => {
    const { dimension, value } = filterOf(code);
    go({ filters: toggleFilter(filters, dimension, value), select: place.value.select });
    close();
  };
  if (known.refusal !== null) return <div class="pop-note">{sentence(known.refusal.detail)}</div>;
  if (known.answer === null) return <div class="pop-note">Looking which values there are …</div>;
  const dimensions = [...known.answer.dimensions].sort((a, b) => Number(counted.includes(b.name)) - Number(counted.includes(a.name)));
  return (
    <Picker
      name="filter by"
      search="search dimensions and values"
      options={dimensions.flatMap((dimension) => optionsOf(dimension, filters[dimension.name] ?? [], counted.includes(dimension.name)))}
      free={(text) => freeOption(text, app.dimensions)}
      onPick={pick}
      note="Several values of one dimension are alternatives."
    />
  );
}
