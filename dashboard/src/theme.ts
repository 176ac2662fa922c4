/** System, light or dark; remembered in this browser. */

import { computed, effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "icarus-theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

function remembered(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === kept) ?? "system";
  } catch {
    return "system"; // storage may be forbidden; then the theme lasts as long as the page
  }
}

export const theme = signal<Theme>(remembered());

const darkSystem = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(darkSystem.matches);
darkSystem.addEventListener("change", (event) => {
  systemIsDark.value = event.matches;
});

/** What is in force; canvases, which style sheets don't reach, draw by it. */
export const dark = computed(() => theme.value === "dark" || (theme.value === "system" && systemIsDark.value));

effect(() => {
  document.documentElement.dataset.theme = dark.value ? "dark" : "light";
});

export function chooseTheme(next: Theme): void {
  theme.value = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // as above
  }
}

export const nextTheme = (): Theme => THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";

/** A token's value as the style sheets have it now. */
export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
