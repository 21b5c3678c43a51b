/**
 * `npm run targets -- [NAME…]`: packs the packages, installs them in fresh folders, and uses them with every target whose name contains
 * one of the names; without names, with all. Prints a matrix, and with `--write` puts it into README.md. Exit code 1 if a check failed.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { encodeArchive, memorySink, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { zstdSink } from "@peekpack/zstd";
import { type Browser, chromium } from "playwright";
import { launchOptions, locateBrowser } from "../browser/locate.js";
import { freshBucket, setCors } from "../s3/client.js";
import { startS3 } from "../s3/launcher.js";
import { pages } from "./bundlers.js";
import { markdown, type Outcome, withMatrix } from "./matrix.js";
import { packAll } from "./packed.js";
import { withProject } from "./project.js";
import { runtimes } from "./runtimes.js";
import { isFailure, type Results, type Target } from "./target.js";
import { compilers } from "./typescript.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } },
});
const isChosen = ({ name }: Target): boolean =>
  positionals.length === 0 || positionals.some((part) => name.toLowerCase().includes(part.toLowerCase()));

const folder = await mkdtemp(join(tmpdir(), "peekpack-packed-"));
const server = await startS3({ require: "stand-in" });
const located = await locateBrowser();
let browser: Browser | undefined;
try {
  console.log("packing");
  const tarballs = await packAll(root, folder);
  const bucket = await freshBucket(server);
  await setCors(server, bucket, ["*"]);
  const store = s3Store({ ...server, forcePathStyle: true });
  const rows = Array.from({ length: 200 }, (_, id) => ({ id, gap: id / 10, text: "row ".repeat(20) }));
  const value = { rows, big: 2n ** 60n };
  await store.target(`${bucket}/data.msglc`).putObject(encodeArchive(value));
  const compressed = memorySink();
  await writeArchive(zstdSink(compressed, { worker: false }), value);
  await store.target(`${bucket}/data.msglc.zst`).putObject(compressed.bytes());
  const { endpoint, region, credentials } = server;
  const context = {
    tarballs,
    environment: {
      url: await store.presign(`${bucket}/data.msglc`),
      compressedUrl: await store.presign(`${bucket}/data.msglc.zst`),
      s3: { endpoint, region, credentials, bucket },
    },
    async browser() {
      if (located.absent !== undefined) throw new Error(located.absent);
      browser ??= await chromium.launch(launchOptions(located.executable));
      return browser;
    },
  };
  await store.close();
  const use = async (target: Target): Promise<Outcome> => {
    const began = Date.now();
    const results = await withProject(target, context, (project) => target.run(project)).catch(
      (error: unknown): Results => ({ installed: error instanceof Error ? error.message : String(error) }),
    );
    const failed = Object.entries(results).filter(([, result]) => isFailure(result));
    console.log(
      `${target.name}: ${failed.length === 0 ? "ok" : "FAILED"} (${Math.round((Date.now() - began) / 1000)} s)`,
    );
    for (const [check, why] of failed) console.log(`  ${check}: ${why.replaceAll("\n", "\n    ")}`);
    if (failed.length > 0) process.exitCode = 1;
    return { name: target.name, results };
  };
  const tables: Outcome[][] = [];
  for (const targets of [[...runtimes, ...pages], compilers]) {
    const outcomes: Outcome[] = [];
    for (const target of targets.filter(isChosen)) outcomes.push(await use(target));
    tables.push(outcomes);
  }
  const date = new Date().toISOString().slice(0, 10);
  const matrix = markdown(
    tables,
    `${date}, Linux x64, Chromium ${located.absent === undefined ? located.version : "absent"}`,
  );
  console.log(`\n${matrix}`);
  if (values.write) {
    const readme = join(root, "README.md");
    await writeFile(readme, withMatrix(await readFile(readme, "utf8"), matrix));
  }
} finally {
  await browser?.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
