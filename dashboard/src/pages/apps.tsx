/** All apps; with only one, straight to it. */

import { useEffect } from "preact/hooks";
import type { App } from "../answer";
import * as format from "../format";
import { now } from "../live";
import { Headline } from "../parts/sentence";
import { Nothing } from "../parts/states";
import { visit } from "../place";
import { seconds } from "../range";
import { NOWHERE, placeUrl } from "../url";

const overviewOf = (app: App) => placeUrl({ ...NOWHERE, page: "overview", app: app.id });

export function Apps({ apps }: { apps: readonly App[] }) {
  const [only, ...others] = apps;
  const single = others.length === 0 ? only : undefined;
  useEffect(() => {
    if (single !== undefined) visit(overviewOf(single), true);
  }, [single?.id]);
  if (only === undefined) {
    return (
      <>
        <Headline>
          <b>No app is declared yet.</b>
        </Headline>
        <Nothing title="Declare one in the configuration">
          <p>An app has an id, a public write key and the origins that its pages come from.</p>
          <pre class="snippet">{'[[apps]]\nid = "shop"\nkey = "pk_shop_..."\norigins = ["https://shop.example"]'}</pre>
        </Nothing>
      </>
    );
  }
  return (
    <>
      <Headline>
        <b>{apps.length} apps</b> send their beacons here.
      </Headline>
      <section class="panel" aria-label="apps">
        <div class="table-box rows-link">
          <table>
            <thead>
              <tr>
                <th scope="col">app</th>
                <th scope="col" class="num">
                  last beacon
                </th>
              </tr>
            </thead>
            <tbody>
              {apps.map((app) => (
                <tr key={app.id}>
                  <td>
                    <a class="strong" href={overviewOf(app)}>
                      {app.id}
                    </a>
                  </td>
                  <td class="num soft">
                    {app.last_received === undefined ? "none yet" : `${format.elapsed(now.value - seconds(app.last_received))} ago`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </>
  );
}
