import { afterEach, describe, expect, test, vi } from "vitest";
import { ask, fetchAnswer, Refusal } from "../src/api";

const about = { app: "shop", metric: "LCP", filters: { route: ["/checkout", "/a&b"], country: [""] }, span: { from: 1000.4, to: 4600.2 } };

describe("questions", () => {
  test("name their filters one by one, an empty value for 'not known'", () => {
    const { searchParams } = new URL(ask.histogram(about).url, "http://here");
    expect(searchParams.getAll("filter")).toEqual(["route:/checkout", "route:/a&b", "country:"]);
  });

  test("ask about whole seconds that hold the range", () => {
    const { searchParams } = new URL(ask.heatmap(about, { step: 600 }).url, "http://here");
    expect([searchParams.get("from"), searchParams.get("to"), searchParams.get("step")]).toEqual(["1000", "4601", "600s"]);
  });

  test("leave out what is not asked for", () => {
    expect(ask.timeseries(about, { step: 60 }).url).not.toContain("group_by");
    expect(ask.alerts("shop").url).toBe("/api/v1/alerts?app=shop");
  });

  test("are about the same a tick later, and about another when the filter, metric or length changes", () => {
    const at = (more: object) => ask.histogram({ ...about, ...more }).about;
    expect(at({ span: { from: 1010.4, to: 4610.2 } })).toBe(at({}));
    expect(at({ span: { from: 0, to: 4610.2 } })).not.toBe(at({}));
    expect(at({ metric: "INP" })).not.toBe(at({}));
    expect(at({ filters: {} })).not.toBe(at({}));
  });
});

describe("asking", () => {
  afterEach(() => vi.unstubAllGlobals());
  const answering = (status: number, body: string) => vi.stubGlobal("fetch", async () => new Response(body, { status }));
  const refused = async () =>
    fetchAnswer(ask.apps()).then(
      () => null,
      (why: unknown) => why,
    );

  test("gives the server's reason, detail and hint", async () => {
    answering(400, JSON.stringify({ error: { reason: "not_together", detail: "no", hint: "yes" } }));
    expect(await refused()).toMatchObject({ reason: "not_together", detail: "no", hint: "yes", status: 400 });
  });

  test("gives a reason of its own when the server can't be reached", async () => {
    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("failed")));
    expect(await refused()).toMatchObject({ reason: "unreachable" });
  });

  test("gives a reason of its own for an answer that is not JSON", async () => {
    answering(502, "<html>bad gateway</html>");
    const why = await refused();
    expect(why).toBeInstanceOf(Refusal);
    expect(why).toMatchObject({ reason: "unreadable", status: 502 });
  });

  test("gives the answer", async () => {
    answering(200, JSON.stringify({ apps: [] }));
    expect(await fetchAnswer(ask.apps())).toEqual({ apps: [] });
  });
});
