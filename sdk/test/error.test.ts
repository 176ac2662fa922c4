import { expect, test } from "vitest";

import { Page } from "./page.js";

const thrown = (message: string, at = "https://shop.example/shop.js?v=7") => ({ message, filename: at, lineno: 12, colno: 34 });

test("an error that nobody caught is counted, with what and where", async () => {
  const page = await Page.open();
  await page.pass(1000);
  await page.fire(page.window, "error", thrown("Uncaught TypeError: x is undefined"));
  await page.pass(500);
  await page.hide();
  expect(page.events("error")).toEqual([
    {
      metric: "error",
      value: 1,
      unit: "count",
      age_ms: 500,
      attribution: {
        message: "Uncaught TypeError: x is undefined",
        source: "https://shop.example/shop.js",
        line: 12,
        column: 34,
      },
    },
  ]);
});

test("a promise that nobody caught and an error that the page hands over say where by their stack", async () => {
  const page = await Page.open();
  const error = new page.window.TypeError("no cart");
  error.stack = "TypeError: no cart\n    at add (https://shop.example/cart.js?v=2:7:9)\n    at https://shop.example/main.js:1:2";
  await page.fire(page.window, "unhandledrejection", { reason: error });
  error.stack = "add@https://shop.example/cart.js:7:9\n@https://shop.example/main.js:1:2";
  page.icarus.error(error);
  await page.hide();
  const cause = { message: "TypeError: no cart", source: "https://shop.example/cart.js", line: 7, column: 9 };
  expect(page.events("error").map(({ attribution }) => attribution)).toEqual([cause, cause]);
});

test("whatever is thrown is counted with the text that it makes", async () => {
  const page = await Page.open();
  for (const reason of ["just a text", 404, null, undefined, { code: 7 }, { message: "no name" }]) page.icarus.error(reason);
  await page.hide();
  expect(page.events("error").map(({ attribution }) => attribution!.message)).toEqual([
    "just a text",
    "404",
    "null",
    "undefined",
    "[object Object]",
    "Error: no name",
  ]);
});

test("messages are cut, and addresses in them lose their query", async () => {
  const page = await Page.open();
  page.icarus.error("failed: GET https://api.example/me?token=secret#x, then " + "é".repeat(500));
  await page.hide();
  const { message } = page.events("error")[0]!.attribution!;
  expect(message).toMatch(/^failed: GET https:\/\/api\.example\/me then é+$/);
  expect(message).toHaveLength(200);
});

test("twenty errors a page view are counted, those of all kinds together", async () => {
  const page = await Page.open();
  for (let i = 0; i < 15; i++) await page.fire(page.window, "error", thrown("e" + i));
  page.icarus.setRoute("/a");
  page.icarus.setRoute("/b");
  for (let i = 0; i < 15; i++) page.icarus.error("e" + i);
  await page.leave();
  expect(page.events("error")).toHaveLength(20);
  await page.restore();
  for (let i = 0; i < 25; i++) page.icarus.error("e" + i);
  await page.leave();
  expect(page.events("error")).toHaveLength(40);
});

test("an image that does not load is no error of the page", async () => {
  const page = await Page.open({ html: "<img>" });
  page.window.document.querySelector("img")!.dispatchEvent(new page.window.Event("error"));
  await page.hide();
  expect(page.events("error")).toEqual([]);
});
