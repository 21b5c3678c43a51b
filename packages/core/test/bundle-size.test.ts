import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build, type Rollup } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeArchive } from "../src/index.js";

/*
 * What a page loads to read one value of an archive, as Vite builds an application when nothing is configured: bytes of gzip
 * of all chunks, those that are loaded while the page runs included. So the page is run, on the little of a browser that it
 * needs, against a server of ranges. About 1,250 bytes of each are Vite's own: `modulepreload` for old browsers, and what
 * loads chunks.
 *
 * Code is loaded by feature: what a page does not use it does not load.
 */
const BUDGETS = {
  /** Over HTTP, an archive without a page index. */
  http: 27_900,
  /** Over HTTP, an archive with a page index. */
  pageIndex: 35_400,
  /** From S3, signed in the page. */
  s3: 36_800,
  /** As `http`, in a page whose entry awaits at its top level: what chunks share is then split into chunks of its own. */
  topLevelAwait: 32_800,
  /** The part that fetches ranges: requests, retries, scheduler, cache. */
  engine: 9_200,
} as const;

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** More than first contact brings. */
const data = {
  entries: Object.fromEntries(
    Array.from({ length: 3000 }, (_, i) => [`entry ${i}`, { name: `name ${i}`, text: `${i} `.repeat(80) }]),
  ),
};

/** What a page needs of a browser, and a server in its `fetch`. */
const browser = (entry: string, archive: string): string => `
  import { readFileSync } from "node:fs";
  const archive = readFileSync(${JSON.stringify(archive)});
  const etag = '"1"';
  globalThis.loaded = [];
  globalThis.requests = [];
  globalThis.window = globalThis;
  globalThis.location = new URL("https://page.example/#https://page.example/archive");
  globalThis.document = {
    body: {},
    head: { appendChild() {} },
    createElement: () => ({ relList: { supports: () => true }, setAttribute() {} }),
    getElementsByTagName: () => [],
    querySelector: () => null,
  };
  globalThis.fetch = async (input, init) => {
    const request = input instanceof Request ? input : new Request(input, init);
    const [, from, to] = /^bytes=(\\d*)-(\\d*)$/.exec(request.headers.get("range"));
    const start = from === "" ? Math.max(0, archive.length - Number(to)) : Number(from);
    const end = from === "" || to === "" ? archive.length : Math.min(archive.length, Number(to) + 1);
    requests.push({ url: request.url, signed: request.headers.has("authorization"), bytes: end - start });
    return new Response(archive.subarray(start, end), {
      status: 206,
      headers: { etag, "content-range": "bytes " + start + "-" + (end - 1) + "/" + archive.length },
    });
  };
  await import(${JSON.stringify(entry)});
  for (let i = 0; document.body.textContent === undefined && i < 1000; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // What was left to be loaded in the background counts as well.
  await new Promise((resolve) => setTimeout(resolve, 200));
  console.log(JSON.stringify({ text: document.body.textContent, loaded, requests }));
`;

let directory: string;
beforeAll(async () => {
  // Within the project, so that the page finds its packages.
  directory = await mkdtemp(join(root, "node_modules", ".bundle-size-"));
  await writeFile(join(directory, "archive"), encodeArchive(data));
  const indexed = encodeArchive(data, { pageIndex: true, smallObjectThreshold: 64 });
  await writeFile(join(directory, "indexed"), indexed);
});
afterAll(() => rm(directory, { recursive: true }));

interface Run {
  /** Bytes of gzip of everything that was loaded. */
  readonly bytes: number;
  /** Modules that were loaded. */
  readonly modules: readonly string[];
  /** What the page shows at the end. */
  readonly text: string;
  readonly requests: readonly { readonly url: string; readonly signed: boolean; readonly bytes: number }[];
}

/** Builds a page of one script, and runs it. */
async function run(script: string, archive = "archive"): Promise<Run> {
  const page = await mkdtemp(join(directory, "page-"));
  await writeFile(join(page, "index.html"), '<!doctype html><script type="module" src="./main.ts"></script>');
  await writeFile(join(page, "main.ts"), script);
  const { output } = (await build({
    root: page,
    configFile: false,
    logLevel: "error",
    // The packages' sources, so that nothing need be built first; the others are Vite's own.
    resolve: { conditions: ["@peekpack/source", "module", "browser", "production"] },
    build: { write: false },
  })) as Rollup.RollupOutput;
  const chunks = new Map(
    output.flatMap((chunk) => (chunk.type === "chunk" ? [[chunk.fileName, chunk] as const] : [])),
  );
  for (const [name, { code }] of chunks) {
    const file = join(page, "dist", name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `globalThis.loaded.push(${JSON.stringify(name)});${code}`);
  }
  await writeFile(join(page, "dist", "package.json"), '{ "type": "module" }');
  const entry = [...chunks].find(([, { isEntry }]) => isEntry)![0];
  const started = join(page, "dist", "start.js");
  await writeFile(started, browser(pathToFileURL(join(page, "dist", entry)).href, join(directory, archive)));
  const { stdout } = await promisify(execFile)(process.execPath, [started]);
  const { loaded, ...seen } = JSON.parse(stdout) as Omit<Run, "bytes" | "modules"> & { loaded: string[] };
  const used = loaded.map((name) => {
    const { code, modules } = chunks.get(name)!;
    return { name, code: code.length, gzip: gzipSync(code, { level: 9 }).length, modules };
  });
  console.table(used.map(({ name, code, gzip }) => ({ chunk: name.replace(/^assets\//, ""), code, gzip })));
  return {
    ...seen,
    bytes: used.reduce((sum, { gzip }) => sum + gzip, 0),
    modules: used.flatMap(({ modules }) => Object.keys(modules)),
  };
}

const shown = JSON.stringify(data.entries["entry 1500"]);
const readsOne = `document.body.textContent = JSON.stringify(await archive.read("entries/entry 1500"));`;

function within({ bytes }: Run, budget: number): void {
  console.log(`${bytes} bytes, of ${budget}`);
  expect(bytes).toBeLessThanOrEqual(budget);
}

it("a page that reads a value over HTTP stays within its budget", async () => {
  const page = await run(`
    import { openArchive } from "@peekpack/core";
    async function show() {
      const archive = await openArchive(location.hash.slice(1));
      ${readsOne}
    }
    void show();
  `);
  expect(page.text).toBe(shown);
  // Head, short and long tail, then the value.
  expect(page.requests).toHaveLength(4);
  for (const feature of ["cbor", "handles"]) {
    expect(page.modules.filter((module) => module.includes(feature))).toEqual([]);
  }
  within(page, BUDGETS.http);
});

it("a page that reads a value through a page index stays within its budget", async () => {
  const page = await run(
    `
    import { openArchive } from "@peekpack/core";
    async function show() {
      const archive = await openArchive(location.hash.slice(1));
      document.body.textContent = JSON.stringify([
        archive.info.pageIndex.state,
        await archive.read("entries/entry 1500"),
      ]);
    }
    void show();
  `,
    "indexed",
  );
  expect(page.text).toBe(`["used",${shown}]`);
  within(page, BUDGETS.pageIndex);
});

it("a page that awaits at its top level does so as well", async () => {
  const page = await run(`
    import { openArchive } from "@peekpack/core";
    const archive = await openArchive(location.hash.slice(1));
    ${readsOne}
  `);
  expect(page.text).toBe(shown);
  within(page, BUDGETS.topLevelAwait);
});

it("a page that reads a value from S3, signing its requests, stays within its budget", async () => {
  const page = await run(`
    import { openArchive } from "@peekpack/core";
    import { s3Store } from "@peekpack/s3";
    async function show() {
      const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
      const store = s3Store({ endpoint: "https://s3.example", credentials });
      const archive = await openArchive(store.source("bucket/key"));
      ${readsOne}
    }
    void show();
  `);
  expect(page.text).toBe(shown);
  // Head, short and long tail, then the value.
  expect(page.requests).toHaveLength(4);
  for (const { url, signed } of page.requests) {
    expect([url, signed]).toEqual(["https://s3.example/bucket/key", true]);
  }
  within(page, BUDGETS.s3);
});

it("the engine alone stays within its budget", async () => {
  const page = await run(`
    import { httpSource, readEngine } from "@peekpack/core";
    async function show() {
      const engine = readEngine(httpSource(location.hash.slice(1)));
      await engine.probe({ head: 1, tail: 2 });
      document.body.textContent = String((await engine.read([{ start: 1000, end: 1010 }]))[0].length);
    }
    void show();
  `);
  expect(page.text).toBe("10");
  within(page, BUDGETS.engine);
});
