/** The header: which app, which page, how fresh, which time. */

import { useEffect, useState } from "preact/hooks";
import type { App } from "../answer";
import { ask, serverNow } from "../api";
import { useAnswer } from "../ask";
import * as format from "../format";
import { moving, paused, reachable, refresh, tick } from "../live";
import { place, toPage, visit } from "../place";
import { seconds } from "../range";
import { chooseTheme, nextTheme, theme } from "../theme";
import { NOWHERE, type Page, placeUrl } from "../url";
import { Picker } from "./picker";
import { Popover } from "./popover";
import { RangePicker } from "./range-picker";

const PAGES: readonly { page: Page; label: string }[] = [
  { page: "overview", label: "Overview" },
  { page: "explore", label: "Explore" },
  { page: "alerts", label: "Alerts" },
  { page: "install", label: "Install" },
];

export function Header({ apps, app }: { apps: readonly App[]; app: App | null }) {
  const { page } = place.value;
  const timed = page === "overview" || page === "explore";
  return (
    <header class="top">
      <a class="brand" href="/">
        Icarus
      </a>
      {apps.length > 0 && <AppPicker apps={apps} app={app} />}
      {app !== null && <Pages app={app} />}
      <div class="top-end">
        {app !== null && <Live app={app} />}
        {timed && app !== null && <RangePicker />}
        <ThemeButton />
      </div>
    </header>
  );
}

function AppPicker({ apps, app }: { apps: readonly App[]; app: App | null }) {
  const page = place.value.page === "alert" ? "alerts" : place.value.page;
  // filters and metrics of one app may not exist in another
  const choose = (id: string) =>
    visit(placeUrl({ ...NOWHERE, page: page === "apps" || page === "lost" ? "overview" : page, app: id, range: place.value.range }));
  return (
    <Popover
      class="button"
      label={
        <>
          {app?.id ?? "choose an app"} <span aria-hidden="true">▾</span>
        </>
      }
      name={`app: ${app?.id ?? "choose an app"}`}
    >
      {(close) => (
        <Picker
          name="app"
          options={apps.map(({ id, last_received }) => ({
            value: id,
            label: id,
            selected: id === app?.id,
            hint: last_received === undefined ? "no beacon yet" : undefined,
          }))}
          {...(apps.length > 8 ? { search: "search apps" } : {})}
          onPick={(id) => {
            close();
            choose(id);
          }}
        />
      )}
    </Popover>
  );
}

function Pages({ app }: { app: App }) {
  const here = place.value.page === "alert" ? "alerts" : place.value.page;
  const firing = useAnswer(ask.alerts(app.id, "firing"), tick.value).answer?.alerts_total ?? 0;
  return (
    <nav class="nav" aria-label="pages">
      {PAGES.map(({ page, label }) => (
        <a key={page} href={toPage({ page, app: app.id })} aria-current={page === here ? "page" : undefined}>
          {label}
          {page === "alerts" && firing > 0 && (
            <span class="badge">
              {firing}
              <span class="spoken"> firing</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

/** Beacons that are older than this are not called live, in seconds. */
const LIVE_S = 90;
/** How often the age is said anew, in milliseconds. */
const SAY_MS = 5_000;

function Live({ app }: { app: App }) {
  const [, again] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => again((n) => n + 1), SAY_MS);
    return () => clearInterval(timer);
  }, []);
  const { tone, shape, words } = liveness(app);
  return (
    <span class="live">
      <span class={tone} title={words}>
        <span aria-hidden="true">{shape}</span> <span class="live-words">{words}</span>
      </span>
      {moving.value && (
        <button
          type="button"
          class="icon"
          title={paused.value ? "go on refreshing" : "stop refreshing"}
          aria-label={paused.value ? "go on refreshing" : "stop refreshing"}
          onClick={() => {
            paused.value = !paused.value;
            if (!paused.value) refresh();
          }}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            {paused.value ? <path d="M4 2l10 6-10 6z" /> : <path d="M3 2h4v12H3zM9 2h4v12H9z" />}
          </svg>
        </button>
      )}
    </span>
  );
}

function liveness(app: App): { tone: string; shape: string; words: string } {
  if (!reachable.value) return { tone: "poor", shape: "◆", words: "server out of reach, trying again" };
  if (app.last_received === undefined) return { tone: "soft", shape: "○", words: "waiting for the first beacon" };
  const age = Math.max(0, serverNow() - seconds(app.last_received));
  const ago = age < 2 ? "last beacon just now" : `last beacon ${format.elapsed(age)} ago`;
  if (paused.value) return { tone: "soft", shape: "❚❚", words: "paused" };
  return age < LIVE_S ? { tone: "good", shape: "●", words: `live, ${ago}` } : { tone: "needs", shape: "▲", words: `quiet, ${ago}` };
}

function ThemeButton() {
  const words = `theme: ${theme.value}; switch to ${nextTheme()}`;
  const paths = {
    system: <path d="M8 1a7 7 0 100 14A7 7 0 008 1zm0 1.6v10.8A5.4 5.4 0 018 2.6z" />,
    light: (
      <path d="M8 4.5a3.500 3.500 0 100 7 3.500 3.500 0 000-7zM7.300 0h1.400v3H7.300zM7.300 13h1.400v3H7.300zM0 7.300h3v1.400H0zM13 7.300h3v1.400h-3zM2 3l1-1 2.100 2.100-1 1zM10.900 11.900l1-1L14 13l-1 1zM2 13l2.100-2.100 1 1L3 14zM10.900 4.100L13 2l1 1-2.100 2.100z" />
    ),
    dark: <path d="M6 1a7 7 0 109 9A6 6 0 016 1z" />,
  };
  return (
    <button type="button" class="icon" title={words} aria-label={words} onClick={() => chooseTheme(nextTheme())}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {paths[theme.value]}
      </svg>
    </button>
  );
}
