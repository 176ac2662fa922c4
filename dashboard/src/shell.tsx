/** The frame around every page, and which page stands in it. */

import { useEffect } from "preact/hooks";
import type { App } from "./answer";
import { ask } from "./api";
import { useAnswer } from "./ask";
import { now, span, tick } from "./live";
import { Alert } from "./pages/alert";
import { Alerts } from "./pages/alerts";
import { Apps } from "./pages/apps";
import { Explore } from "./pages/explore";
import { Install } from "./pages/install";
import { Overview } from "./pages/overview";
import { Bar } from "./parts/bar";
import { Header } from "./parts/header";
import { Headline } from "./parts/sentence";
import { Bone, Nothing, NotTogether, Trouble } from "./parts/states";
import { place } from "./place";
import { lengthName } from "./range";
import { countedTogether, filtersName } from "./slices";
import { zoneName } from "./time";
import type { Page } from "./url";

const TITLES: Record<Page, string> = {
  apps: "Apps",
  overview: "Overview",
  explore: "Explore",
  alerts: "Alerts",
  alert: "Alert",
  install: "Install",
  lost: "Not found",
};

const FROM_SAMPLES = "of these filters together are estimated from samples of page views";

export function Shell() {
  const known = useAnswer(ask.apps(), tick.value);
  const { page, app: id, filters } = place.value;
  const app = known.answer?.apps.find((each) => each.id === id) ?? null;
  const estimated = app !== null && (page === "overview" || page === "explore") && !countedTogether(app.together, Object.keys(filters));

  useEffect(() => {
    document.title = [TITLES[page], id, "Icarus"].filter((part) => part !== "").join(" · ");
  }, [page, id]);

  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header apps={known.answer?.apps ?? []} app={app} />
      <main id="main" class="page" tabIndex={-1}>
        <Content known={known} app={app} estimated={estimated} />
      </main>
      <footer class="foot">
        Times in {zoneName(now.value)}. Quantiles and counts {estimated ? FROM_SAMPLES : "come from rollups of all users"}; intervals are 95
        % ones.
      </footer>
    </>
  );
}

interface ContentProps {
  known: ReturnType<typeof useAnswer<{ apps: App[] }>>;
  app: App | null;
  /** Whether what is shown is not counted together. */
  estimated: boolean;
}

function Content({ known, app, estimated }: ContentProps) {
  const { page, app: id, filters } = place.value;
  if (known.refusal !== null)
    return (
      <>
        <Headline>
          <b>There is nothing to say just now.</b>
        </Headline>
        <div class="panel">
          <Trouble refusal={known.refusal} retry={known.retry} />
        </div>
      </>
    );
  if (known.answer === null) return <PageBones />;
  if (page === "lost") return <Lost words="There is no such page." />;
  if (page === "apps") return <Apps apps={known.answer.apps} />;
  if (app === null) return <Lost words={`There is no app called ${id}.`} />;
  // said once, where each panel would be refused
  if (estimated && span.value.from < now.value - app.minute_retention_s) {
    return (
      <>
        <Bar app={app} filters charts />
        <Headline>
          <b>Nobody can be counted like this.</b>
        </Headline>
        <div class="panel">
          <NotTogether
            detail={`no counts are kept for ${filtersName(filters)}, and samples are kept for ${lengthName(app.minute_retention_s)}: choose a later time`}
            hint={`sets that are counted are: ${app.together
              .filter((set) => set.length > 1)
              .map((set) => set.join(" + "))
              .join("; ")}`}
          />
        </div>
      </>
    );
  }
  // a page of another app is another page: nothing of the one before may stay in it
  switch (page) {
    case "overview":
      return <Overview key={app.id} app={app} />;
    case "explore":
      return <Explore key={app.id} app={app} />;
    case "alerts":
      return <Alerts key={app.id} app={app} />;
    case "alert":
      return <Alert key={`${app.id} ${place.value.alert ?? ""}`} app={app} id={place.value.alert ?? 0} />;
    case "install":
      return <Install key={app.id} app={app} />;
  }
}

function Lost({ words }: { words: string }) {
  return (
    <>
      <Headline>
        <b>{words}</b>
      </Headline>
      <Nothing title="See which apps there are">
        <a class="button" href="/">
          All apps
        </a>
      </Nothing>
    </>
  );
}

function PageBones() {
  return (
    <div aria-busy="true" style={{ paddingTop: "60px", display: "grid", gap: "16px" }}>
      <span class="spoken">loading</span>
      <Bone width="60%" height={26} />
      <Bone height={160} />
      <Bone height={280} />
    </div>
  );
}
