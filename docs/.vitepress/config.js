import { resolve } from "node:path";
import { defineConfig } from "vitepress";
import { repositoryLinks } from "./repository-links.js";

const root = resolve(import.meta.dirname, "../..");

/** Guides in the order in which they are read. */
const guides = {
  Guides: {
    start: "Start in five minutes",
    browser: "Reading in a browser",
    writing: "Writing and resuming",
    scale: "Combining at scale",
    "large-archives": "Page index and compression",
    querying: "Querying and exporting",
    recipes: "React and vanilla recipes",
    msglc: "From and to msglc",
    "s3-setup": "S3, step by step",
  },
  Background: {
    comparison: "Comparison",
    performance: "Performance",
    limits: "Limits and security",
    "s3-servers": "S3 servers",
    format: "The format",
    "page-index": "The page index",
    compression: "Compressed archives",
  },
};
const packages = ["core", "s3", "node-storage", "web-storage", "jsonpath", "arrow", "zstd", "cli"];

export default defineConfig({
  title: "peekpack",
  description: "Write once, peek anywhere: archives of MessagePack or CBOR with a table of contents.",
  // The root, so that the links between pages are the same here and in the repository.
  srcDir: "..",
  srcExclude: ["testing/**", "api/**", "e2e/**"],
  rewrites: { "README.md": "index.md" },
  metaChunk: true,
  markdown: { config: (markdown) => repositoryLinks(markdown, root) },
  themeConfig: {
    search: { provider: "local" },
    nav: [
      { text: "Guides", link: "/docs/start" },
      { text: "Reference", link: "/docs/reference/" },
    ],
    outline: [2, 3],
    sidebar: [
      ...Object.entries(guides).map(([text, pages]) => ({
        text,
        items: Object.entries(pages).map(([page, title]) => ({ text: title, link: `/docs/${page}` })),
      })),
      {
        text: "Packages",
        items: packages.map((name) => ({ text: `@peekpack/${name}`, link: `/packages/${name}/README` })),
      },
      { text: "Reference", link: "/docs/reference/" },
    ],
  },
  buildEnd({ pages }) {
    const linked = Object.values(guides).flatMap((group) => Object.keys(group));
    const missing = linked.filter((page) => !pages.includes(`docs/${page}.md`));
    const unlinked = pages.filter(
      (page) => /^docs\/[^/]+\.md$/.test(page) && !linked.includes(page.slice(5, -3)),
    );
    if (missing.length + unlinked.length > 0) {
      throw new Error(`The sidebar and docs/ differ: ${[...missing, ...unlinked].join(", ")}`);
    }
  },
});
