import { importMap } from "./import-map.js";
import type { Target } from "./target.js";

const HTML = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><script type="module" src="${script}"></script>`;
const PAGE_FILES = ["exercise.js", "page.js", "page-main.js"];
const WORKER_FILES = ["exercise.js", "page.js", "page-main-workers.js"];
const ESBUILD = "node_modules/@esbuild/linux-x64/bin/esbuild";

/** The workers of the packages, for bundlers that do not find them. */
const WORKERS: readonly string[] = [
  "@peekpack/web-storage/archive-worker",
  "@peekpack/web-storage/opfs-worker",
  "@peekpack/zstd/compression-worker",
];

function viteBuild(version: string): Target {
  return {
    name: `Vite ${version}, build`,
    tools: [`vite@${version}`],
    files: PAGE_FILES,
    async run(project) {
      await project.write("index.html", HTML("/page-main.js"));
      await project.run("node", ["node_modules/vite/bin/vite.js", "build"]);
      return project.openBuilt("dist");
    },
  };
}

function viteDev(version: string, port: number): Target {
  const url = `http://127.0.0.1:${port}/`;
  return {
    name: `Vite ${version}, dev`,
    tools: [`vite@${version}`],
    files: PAGE_FILES,
    async run(project) {
      await project.write("index.html", HTML("/page-main.js"));
      await project.write(
        "vite.config.js",
        'export default { optimizeDeps: { exclude: ["@peekpack/web-storage", "@peekpack/zstd"] } };',
      );
      const args = [
        "node_modules/vite/bin/vite.js",
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
        "--strictPort",
      ];
      return project.withServer("node", args, url, () => project.open(url));
    },
  };
}

const webpack: Target = {
  name: "webpack 5.113.0",
  tools: ["webpack@5.113.0", "webpack-cli@7.3.1"],
  files: PAGE_FILES,
  async run(project) {
    await project.write(
      "dist/index.html",
      '<!doctype html><meta charset="utf-8"><script src="main.js"></script>',
    );
    await project.run("node", [
      "node_modules/webpack/bin/webpack.js",
      "--mode=production",
      "--entry=./page-main.js",
      "--output-path=./dist",
    ]);
    return project.openBuilt("dist");
  },
};

const esbuild: Target = {
  name: "esbuild 0.28.2",
  tools: ["esbuild@0.28.2"],
  files: WORKER_FILES,
  async run(project) {
    await project.write("dist/index.html", HTML("/assets/page-main-workers.js"));
    const common = ["--bundle", "--format=esm", "--splitting", "--outdir=dist/assets"];
    await project.run(ESBUILD, ["page-main-workers.js", ...common]);
    await project.run(ESBUILD, [...WORKERS, ...common, "--entry-names=[name]"]);
    return project.openBuilt("dist");
  },
};

const rollup: Target = {
  name: "Rollup 4.68.8",
  tools: ["rollup@4.68.8", "@rollup/plugin-node-resolve@16.0.3", "@rollup/plugin-commonjs@29.0.0"],
  files: WORKER_FILES,
  async run(project) {
    await project.write("dist/index.html", HTML("/assets/page-main-workers.js"));
    await project.write(
      "rollup.config.js",
      `import resolve from "@rollup/plugin-node-resolve";
       import commonjs from "@rollup/plugin-commonjs";
       export default {
         input: ["./page-main-workers.js", ...${JSON.stringify(WORKERS)}],
         output: { dir: "dist/assets", entryFileNames: "[name].js" },
         plugins: [resolve({ browser: true }), commonjs()],
       };`,
    );
    await project.run("node", ["node_modules/rollup/dist/bin/rollup", "-c"]);
    return project.openBuilt("dist");
  },
};

const parcel: Target = {
  name: "Parcel 2.16.4",
  tools: ["parcel@2.16.4"],
  files: PAGE_FILES,
  async run(project) {
    await project.write("index.html", HTML("./page-main.js"));
    // Parcel reads the `exports` of packages only if it is told to.
    await project.write(
      "package.json",
      JSON.stringify({ private: true, "@parcel/resolver-default": { packageExports: true } }),
    );
    await project.run("node", [
      "node_modules/parcel/lib/bin.js",
      "build",
      "index.html",
      "--dist-dir",
      "dist",
    ]);
    return project.openBuilt("dist");
  },
};

const NEXT_PORT = 41_391;

const next: Target = {
  name: "Next.js 16.4.6",
  tools: ["next@16.4.6", "react@19.3.1", "react-dom@19.3.1"],
  files: PAGE_FILES,
  async run(project) {
    await project.write(
      "app/layout.js",
      "export default ({ children }) => <html lang='en'><body>{children}</body></html>;",
    );
    await project.write(
      "app/page.js",
      `"use client";
       import { useEffect } from "react";
       export default function Page() {
         useEffect(() => { import("../page.js").then(({ exercisePage }) => exercisePage()); }, []);
         return null;
       }`,
    );
    const program = "node_modules/next/dist/bin/next";
    await project.run("node", [program, "build"]);
    const url = `http://127.0.0.1:${NEXT_PORT}/`;
    return project.withServer(
      "node",
      [program, "start", "--hostname", "127.0.0.1", "--port", String(NEXT_PORT)],
      url,
      () => project.open(url),
    );
  },
};

const withoutBundler: Target = {
  name: "import map, no bundler",
  tools: [],
  files: PAGE_FILES,
  async run(project) {
    const map = JSON.stringify(await importMap(project.folder));
    await project.write(
      "index.html",
      `<!doctype html><meta charset="utf-8"><script type="importmap">${map}</script><script type="module" src="/page-main.js"></script>`,
    );
    return project.openBuilt(".");
  },
};

const VITE = ["5.4.21", "6.4.6", "7.3.8", "8.4.0"];

/** Pages in Chromium. */
export const pages: readonly Target[] = [
  ...VITE.map(viteBuild),
  ...VITE.map((version, index) => viteDev(version, 41_380 + index)),
  webpack,
  esbuild,
  rollup,
  parcel,
  next,
  withoutBundler,
];
