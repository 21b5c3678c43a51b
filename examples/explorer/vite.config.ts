import { defaultClientConditions, defineConfig, type Plugin } from "vite";

/**
 * Loosens the page's policy in the development server: Vite puts styles and its own client into the page there. A build
 * keeps the policy in index.html.
 */
const developmentPolicy: Plugin = {
  name: "development-policy",
  apply: "serve",
  transformIndexHtml: (html, { server }) =>
    server === undefined ? html : html.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
};

export default defineConfig({
  // Relative URLs, so that the build can be served from any path.
  base: "./",
  resolve: { conditions: ["@peekpack/source", ...defaultClientConditions] },
  plugins: [developmentPolicy],
  build: {
    target: "es2022",
    // A data: URL for a font or an icon would need a looser policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
});
