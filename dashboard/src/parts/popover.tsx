/** A button with a panel that opens below it. Escape, a click elsewhere, or focus that leaves closes it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface Props {
  /** The button's class. */
  class: string;
  label: ComponentChildren;
  /** Said instead of the label by screen readers, where the label alone is not clear. */
  name?: string;
  /** Whether the panel hangs from the button's right end. */
  end?: boolean;
  title?: string;
  children: (close: () => void) => ComponentChildren;
}

export function Popover({ class: look, label, name, end = false, title, children }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };

  useEffect(() => {
    if (!open) return;
    const first = panel.current?.querySelector<HTMLElement>("[data-first], input, [role=listbox], button");
    first?.focus({ preventScroll: true });
    keepOnScreen(panel.current);
    const outside = (event: Event) => {
      if (event.target instanceof Node && root.current?.contains(event.target) !== true) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };

  return (
    <span ref={root} class="pop-anchor" onKeyDown={onKeyDown}>
      <button ref={button} type="button" class={look} title={title} aria-label={name} aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>
        {label}
      </button>
      {open && <div ref={panel} class={end ? "pop end" : "pop"} role="dialog" aria-label={name}>{children(close)}</div>}
    </span>
  );
}

// a panel that hangs from a word at the right end of a line would leave the page
function keepOnScreen(panel: HTMLElement | null): void {
  if (panel === null || getComputedStyle(panel).position === "fixed") return;
  const { right } = panel.getBoundingClientRect();
  const beyond = right - (document.documentElement.clientWidth - 12);
  if (beyond > 0 && !panel.classList.contains("end")) panel.style.left = `${-beyond}px`;
}
