import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rollup } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";

/*
 * What a page loads, as Vite builds an application: the entry, what that needs, and the chunks that are loaded while a
 * value of a MessagePack archive is read. Bytes of gzip, chunk by chunk. The budgets are what has been reached: who exceeds
 * one makes every reader's page heavier, and who saves something lowers it. About 900 bytes of each are Vite's own, for
 * dynamic imports.
 */
const BUDGETS = {
  /** The goal: 15,000. */
  reader: 29_500,
  /** The part of it that fetches ranges: requests, retries, the planner and its cache. The goal: 5,000. */
  engine: 7_660,
  /** What the engine loads when something unusual is met, when many ranges are read at once, or from memory. */
  seldom: 2_850,
} as const;

const root = fileURLToPath(new URL("../../..", import.meta.url));

interface Built {
  /** Chunks by their file's name. */
  readonly chunks: ReadonlyMap<string, Rollup.OutputChunk>;
  /** Gzipped bytes of what one loads to run the entry, and the dynamic imports that `also` names by their module. */
  needed(also?: RegExp): number;
}

let directory: string;
beforeAll(async () => {
  // Within the project, so that the page finds its packages.
  directory = await mkdtemp(join(root, "node_modules", ".bundle-size-"));
});
afterAll(() => rm(directory, { recursive: true }));

const gzipped = ({ code }: Rollup.OutputChunk): number => gzipSync(code, { level: 9 }).length;

async function page(script: string): Promise<Built> {
  await writeFile(
    join(directory, "index.html"),
    '<!doctype html><script type="module" src="./main.ts"></script>',
  );
  await writeFile(join(directory, "main.ts"), script);
  const { output } = (await build({
    root: directory,
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@peekpack/source", "module", "browser", "production"] },
    build: { write: false, modulePreload: false },
  })) as Rollup.RollupOutput;
  const chunks = new Map(
    output.flatMap((chunk) => (chunk.type === "chunk" ? [[chunk.fileName, chunk] as const] : [])),
  );
  return {
    chunks,
    needed(also) {
      const found = new Set<string>();
      const visit = (name: string): void => {
        if (found.has(name)) return;
        found.add(name);
        for (const imported of chunks.get(name)!.imports) visit(imported);
      };
      for (const [name, { isEntry, facadeModuleId }] of chunks) {
        if (isEntry || also?.test(facadeModuleId ?? "")) visit(name);
      }
      return [...found].reduce((sum, name) => sum + gzipped(chunks.get(name)!), 0);
    },
  };
}

it("a page that reads a MessagePack archive over HTTP stays within its budget", async () => {
  const built = await page(`
    import { openArchive } from "@peekpack/core";
    const archive = await openArchive(location.hash.slice(1));
    document.body.textContent = JSON.stringify(await archive.read("a value"));
  `);
  const msgpack = /codec\/msgpack\.ts$/;
  console.table(
    [...built.chunks.values()].map((chunk) => ({
      chunk: chunk.fileName.replace(/^assets\/|-[\w-]{8}\.js$/g, ""),
      gzip: gzipped(chunk),
      bytes: chunk.code.length,
    })),
  );
  const bytes = built.needed(msgpack);
  console.log(`needed: ${bytes} of ${BUDGETS.reader}`);
  expect(bytes).toBeLessThanOrEqual(BUDGETS.reader);
});

it("the engine alone stays within its budget", async () => {
  const built = await page(`
    import { httpSource, readEngine } from "@peekpack/core";
    const engine = readEngine(httpSource(location.hash));
    console.log(await engine.probe({ head: 1, tail: 2 }), await engine.read([{ start: 1, end: 2 }]));
  `);
  const bytes = built.needed();
  const seldom = [...built.chunks.values()].filter(({ name }) => name === "seldom").map(gzipped);
  console.log(`engine: ${bytes} of ${BUDGETS.engine}; seldom: ${seldom} of ${BUDGETS.seldom}`);
  expect(bytes).toBeLessThanOrEqual(BUDGETS.engine);
  expect(seldom).toHaveLength(1);
  expect(seldom[0]).toBeLessThanOrEqual(BUDGETS.seldom);
});
