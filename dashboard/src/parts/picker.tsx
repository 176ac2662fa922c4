/** A list to choose from, by mouse or by keyboard, with a search where it is long. */

import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { matching, type Option } from "./options";

interface Props {
  name: string;
  options: readonly Option[];
  onPick: (value: string) => void;
  /** What the search says; without it there is none. */
  search?: string;
  /** What is offered for a text that no option has. */
  free?: (text: string) => Option | null;
  /** What stands below the list. */
  note?: string | undefined;
  /** What the search starts with. */
  start?: string;
}

export function Picker({ name, options, onPick, search, free, note, start = "" }: Props) {
  const [text, setText] = useState(start);
  const found = useMemo(() => matching(options, text, free), [options, text, free]);
  const [active, setActive] = useState(() =>
    Math.max(
      0,
      found.findIndex((option) => option.selected),
    ),
  );
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const at = Math.min(active, found.length - 1);

  // a picker is only shown when it is wanted, and its keys should work at once
  useEffect(() => {
    (input.current ?? list.current)?.focus({ preventScroll: true });
  }, []);

  useEffect(() => {
    list.current?.querySelector(".active")?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const pick = (option: Option | undefined) => {
    if (option !== undefined && option.disabled !== true) onPick(option.value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + 8,
      PageUp: at - 8,
      ...(search === undefined ? { Home: 0, End: found.length - 1 } : {}),
    };
    const next = moves[event.key];
    if (next !== undefined) setActive(Math.min(found.length - 1, Math.max(0, next)));
    else if (event.key === "Enter" || (event.key === " " && search === undefined)) pick(found[at]);
    else return;
    event.preventDefault();
  };
  const keys = { onKeyDown, "aria-activedescendant": found.length === 0 ? undefined : `${id}-${at}` };
  return (
    <div>
      {search !== undefined && (
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-label={name}
          aria-expanded="true"
          aria-controls={`${id}-list`}
          placeholder={search}
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setActive(0);
          }}
          {...keys}
        />
      )}
      <div
        ref={list}
        id={`${id}-list`}
        class="options"
        role="listbox"
        aria-label={name}
        {...(search === undefined ? { tabIndex: 0, ...keys } : {})}
      >
        {found.map((option, i) => (
          <div key={`${option.group ?? ""} ${option.value}`}>
            {option.group !== undefined && option.group !== found[i - 1]?.group && (
              <div class="option-group" role="presentation">
                {option.group}
              </div>
            )}
            <div
              id={`${id}-${i}`}
              class={i === at ? "option active" : "option"}
              role="option"
              aria-selected={option.selected === true}
              aria-disabled={option.disabled === true}
              onPointerMove={() => setActive(i)}
              onClick={() => pick(option)}
            >
              <span class="option-label">
                {option.selected === true ? "✓ " : ""}
                {option.label}
              </span>
              {option.hint !== undefined && <span class="third">{option.hint}</span>}
            </div>
          </div>
        ))}
        {found.length === 0 && <div class="pop-note">Nothing has “{text}” in it.</div>}
      </div>
      {note !== undefined && <div class="pop-note">{note}</div>}
    </div>
  );
}
