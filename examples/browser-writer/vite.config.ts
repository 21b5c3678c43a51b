import { defaultClientConditions, defineConfig, type Plugin } from "vite";

/**
 * Vite's development server puts styles and its own client into the page, which the page's policy refuses. It is loosened
 * while developing, and only then: what is built keeps the policy that index.html states.
 */
const looserWhileDeveloping: Plugin = {
  name: "looser-policy-while-developing",
  apply: "serve",
  transformIndexHtml: (html, { server }) =>
    server === undefined ? html : html.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
};

export default defineConfig({
  // Relative addresses, so that what is built can be put below any path.
  base: "./",
  resolve: { conditions: ["@peekpack/source", ...defaultClientConditions] },
  plugins: [looserWhileDeveloping],
  build: {
    target: "es2022",
    // A data: URL for a font or an icon would need a looser policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // Parts are written by a worker, which loads modules.
  worker: { format: "es" },
});
