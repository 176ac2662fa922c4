/** Whatever happens in here stays in here: the page must never see it. */

const said = new Set<string>();

/** Warns in the console, once for each `kind`. Never throws. */
export function warn(kind: string, detail = ""): void {
  try {
    if (!said.has(kind)) {
      said.add(kind);
      console.warn("icarus: " + kind + detail);
    }
  } catch {
    // A page may have put something broken in the console's place; there is nobody left to tell.
  }
}

/** `act`, but what it throws becomes a warning. */
export const guarded =
  <Args extends unknown[]>(act: (...args: Args) => unknown) =>
  (...args: Args): void => {
    try {
      act(...args);
    } catch (error) {
      warn("failed inside: ", String(error));
    }
  };
