import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  // Relative URLs, so that the build can be served from any path.
  base: "./",
  resolve: { conditions: ["@peekpack/source", ...defaultClientConditions] },
  build: { target: "es2022", modulePreload: { polyfill: false } },
  // The worker loads the code of its features when it needs them.
  worker: { format: "es" },
});
