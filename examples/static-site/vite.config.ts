import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  // Relative URLs, so that the page works at any path of any bucket.
  base: "./",
  resolve: { conditions: ["@peekpack/source", ...defaultClientConditions] },
  build: { target: "es2022", modulePreload: { polyfill: false } },
});
