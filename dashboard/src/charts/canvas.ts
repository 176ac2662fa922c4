/** A canvas that keeps the size of its box, in device pixels, and is drawn again when something changes. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { dark } from "../theme";

export interface Box {
  width: number;
  height: number;
}

/** The size of an element in CSS pixels; zero until it is known. */
export function useBox<T extends Element>(): [RefObject<T | null>, Box] {
  const ref = useRef<T>(null);
  const [box, setBox] = useState<Box>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element;
      setBox((was) => (was.width === width && was.height === height ? was : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, box];
}

/** Draws into the canvas of the returned ref whenever `on` changes, its box does, or the theme. */
export function useCanvas(
  draw: (context: CanvasRenderingContext2D, size: Box) => void,
  on: readonly unknown[],
): RefObject<HTMLCanvasElement | null> {
  const [ref, box] = useBox<HTMLCanvasElement>();
  const isDark = dark.value;
  const [ratio, setRatio] = useState(devicePixelRatio);
  useEffect(() => {
    const query = matchMedia(`(resolution: ${ratio}dppx)`);
    const changed = () => setRatio(devicePixelRatio);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, [ratio]);
  useLayoutEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context || box.width === 0) return;
    const size = { width: Math.round(box.width * ratio), height: Math.round(box.height * ratio) };
    canvas.width = size.width;
    canvas.height = size.height;
    draw(context, size);
  }, [box, ratio, isDark, ...on]);
  return ref;
}
