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
    keepOnScreen(panel.current);
    const isInside = (target: EventTarget | null) => target instanceof Node && root.current?.contains(target) === true;
    const pressed = (event: Event) => {
      if (!isInside(event.target)) setOpen(false);
    };
    const focused = ({ target }: Event) => {
      // a click on what can't have the focus gives it to what is around it, such as the page's main part
      if (!isInside(target) && !(target instanceof Node && target.contains(root.current))) setOpen(false);
    };
    document.addEventListener("pointerdown", pressed);
    document.addEventListener("focusin", focused);
    return () => {
      document.removeEventListener("pointerdown", pressed);
      document.removeEventListener("focusin", focused);
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
      <button
        ref={button}
        type="button"
        class={look}
        title={title}
        aria-label={name}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      {open && (
        <div ref={panel} class={end ? "pop end" : "pop"} role="dialog" aria-label={name}>
          {children(close)}
        </div>
      )}
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
