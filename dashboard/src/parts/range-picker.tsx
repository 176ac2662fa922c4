/** Which time range: a preset, or from-to. */

import { useState } from "preact/hooks";
import { now, span } from "../live";
import { go, place } from "../place";
import { isLive, lengthCode, PRESETS, type Range } from "../range";
import { date, fromInput, rangeName, toInput, zoneName } from "../time";
import { Picker } from "./picker";
import { Popover } from "./popover";

export function RangePicker({ look = "button", words }: { look?: string; words?: string }) {
  const { range } = place.value;
  const name = rangeName(range, now.value);
  const short = isLive(range) ? lengthCode(range.last).replace(/(?=\D)/, "\u00a0") : date(range.from);
  return (
    <Popover
      class={look}
      end={words === undefined}
      label={
        words ?? (
          <>
            <span class="range-long">{name}</span>
            <span class="range-short">{short}</span> <span aria-hidden="true">▾</span>
          </>
        )
      }
      name={`time range: ${words ?? name}`}
      title={`times in ${zoneName(now.value)}`}
    >
      {(close) => (
        <Choice
          choose={(range) => {
            go({ range, select: null });
            close();
          }}
        />
      )}
    </Popover>
  );
}

function Choice({ choose }: { choose: (range: Range) => void }) {
  const { range } = place.value;
  const last = isLive(range) ? range.last : null;
  return (
    <>
      <Picker
        name="time range"
        options={PRESETS.map((preset) => ({ value: String(preset.last), label: preset.label, selected: preset.last === last }))}
        onPick={(value) => choose({ last: Number(value) })}
      />
      <Custom choose={choose} />
    </>
  );
}

function Custom({ choose }: { choose: (range: Range) => void }) {
  const [from, setFrom] = useState(toInput(span.value.from));
  const [until, setUntil] = useState(toInput(span.value.to));
  const [start, end] = [fromInput(from), fromInput(until)];
  const wrong = start === null || end === null ? "Both times are needed." : start >= end ? "It ends before it begins." : null;
  const submit = (event: Event) => {
    event.preventDefault();
    if (start !== null && end !== null && start < end) choose({ from: start, to: end });
  };
  return (
    <form class="custom-range" onSubmit={submit}>
      <label for="range-from" class="soft">
        from
      </label>
      <input id="range-from" type="datetime-local" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      <label for="range-to" class="soft">
        to
      </label>
      <input id="range-to" type="datetime-local" value={until} onInput={(event) => setUntil(event.currentTarget.value)} />
      <button type="submit" class="button" disabled={wrong !== null} title={wrong ?? undefined}>
        Show this time
      </button>
    </form>
  );
}
