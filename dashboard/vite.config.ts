import { defineConfig, type Plugin } from "vite";

// With ICARUS=http://127.0.0.1:7070 `npm run dev` shows a running server's answers; without it, the
// mock's. The mock is imported only then, so that no build can contain it.
const upstream = process.env.ICARUS;

const mock: Plugin = {
  name: "icarus-mock",
  apply: "serve",
  async configureServer(server) {
    const { handler } = await import("./mock/handler.mjs");
    server.middlewares.use(handler);
  },
};

export default defineConfig({
  plugins: upstream === undefined ? [mock] : [],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    port: 7071,
    ...(upstream === undefined ? {} : { proxy: { "/api": upstream, "/v1": upstream, "/icarus.js": upstream } }),
  },
});
