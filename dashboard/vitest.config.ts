import { defineConfig } from "vitest/config";

// tests of pure functions; what needs a page is tested in a real browser, see test/browser/
export default defineConfig({ test: { include: ["test/*.test.ts"], environment: "node" } });
