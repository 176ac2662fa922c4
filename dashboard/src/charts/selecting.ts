/** The cursor over a chart and the time range selected on it, by mouse, finger and keyboard. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Span } from "../range";
import type { Box } from "./canvas";

/** Which window the cursor is on, and at which height in [0, 1] from the bottom, if it has one. */
export interface Cursor {
  column: number;
  y: number | null;
}

interface Options {
  span: Span;
  step: number;
  columns: number;
  box: Box;
  select?: Span | null;
  onSelect?: ((span: Span | null) => void) | undefined;
  onZoom?: ((span: Span) => void) | undefined;
  nextRow?: (y: number | null, up: boolean) => number;
}

/** A press that moves less than this, in pixels, is a click. */
const CLICK_PX = 5;

/** Columns `[from, to)` between two columns, both included. */
export const columnsBetween = (a: number, b: number): [number, number] => [Math.min(a, b), Math.max(a, b) + 1];

/** The columns of a span, as far as they are on the chart; `null` when none is. */
export function columnsOf(select: Span, span: Span, step: number, columns: number): [number, number] | null {
  const from = Math.max(0, Math.round((select.from - span.from) / step));
  const to = Math.min(columns, Math.round((select.to - span.from) / step));
  return from < to ? [from, to] : null;
}

export function useSelecting({ span, step, columns, box, select, onSelect, onZoom, nextRow }: Options) {
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const [byKey, setByKey] = useState(false);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const press = useRef<{ column: number; x: number; moved: boolean } | null>(null);
  const anchor = useRef<number | null>(null);

  const spanOf = ([from, to]: [number, number]): Span => ({ from: span.from + from * step, to: span.from + to * step });
  const clamp = (column: number) => Math.min(columns - 1, Math.max(0, column));
  const at = (event: PointerEvent): Cursor => {
    const rect = (event.currentTarget as Element).getBoundingClientRect();
    const y = 1 - (event.clientY - rect.top) / Math.max(1, rect.height);
    return {
      column: clamp(Math.floor(((event.clientX - rect.left) / Math.max(1, box.width)) * columns)),
      y: nextRow === undefined ? null : Math.min(1, Math.max(0, y)),
    };
  };
  const drop = () => {
    press.current = null;
    setDrag(null);
  };

  // a drag that lost its chart must not go on in the next
  useEffect(() => drop, [span.from, span.to, step]);

  const handlers = {
    onPointerDown: (event: PointerEvent) => {
      if (onSelect === undefined || event.button !== 0) return;
      press.current = { column: at(event).column, x: event.clientX, moved: false };
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent) => {
      const here = at(event);
      setByKey(false);
      setCursor(here);
      const pressed = press.current;
      if (pressed === null) return;
      pressed.moved ||= Math.abs(event.clientX - pressed.x) >= CLICK_PX;
      if (pressed.moved) setDrag(columnsBetween(pressed.column, here.column));
    },
    onPointerUp: (event: PointerEvent) => {
      const pressed = press.current;
      drop();
      if (pressed === null || onSelect === undefined) return;
      if (pressed.moved) onSelect(spanOf(columnsBetween(pressed.column, at(event).column)));
      else if (select != null) onSelect(null);
    },
    onPointerCancel: drop,
    onPointerLeave: () => {
      if (press.current === null && !byKey) setCursor(null);
    },
    onBlur: () => {
      setCursor(null);
      anchor.current = null;
    },
    onKeyDown: (event: KeyboardEvent) => {
      const current = cursor ?? { column: columns - 1, y: nextRow === undefined ? null : 0.5 };
      const far = Math.max(1, Math.round(columns / 10));
      const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -far, PageDown: far, Home: -columns, End: columns };
      const by = steps[event.key];
      if (by !== undefined) {
        const column = cursor === null && Math.abs(by) === 1 ? current.column : clamp(current.column + by);
        if (event.shiftKey && onSelect !== undefined) {
          anchor.current ??= current.column;
          onSelect(spanOf(columnsBetween(anchor.current, column)));
        } else {
          anchor.current = null;
        }
        setCursor({ ...current, column });
      } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && nextRow !== undefined) {
        setCursor({ ...current, y: nextRow(current.y, event.key === "ArrowUp") });
      } else if (event.key === "Enter" && select != null && onZoom !== undefined) {
        onZoom(select);
      } else if (event.key === "Escape" && select != null && onSelect !== undefined) {
        anchor.current = null;
        onSelect(null);
      } else {
        return;
      }
      setByKey(true);
      event.preventDefault();
    },
  };
  const selection = drag ?? (select == null ? null : columnsOf(select, span, step, columns));
  return { cursor, byKey, selection, handlers };
}
