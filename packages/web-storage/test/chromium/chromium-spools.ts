import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ArchiveSink, WriteResult } from "@peekpack/core";
import { disposableSink } from "@peekpack/s3/internal";
import { type LocatedBrowser, launchOptions } from "@peekpack/testing/browser";
import type { SpoolFunctions } from "@peekpack/testing/contracts/spool-subject";
import { chromium, type Page } from "playwright";
import { build, preview } from "vite";
import type { PendingUpload, SpoolSinkOptions } from "../../src/index.js";
import { outcomeOf, pack, resultOf, type SharedObject, type SharedSignal, unpack } from "./outcome.js";

/** The spools of a page in Chromium, for tests in Node. Bytes and plain data are passed, targets and sinks stay here. */
export interface ChromiumSpools {
  readonly functions: SpoolFunctions<PendingUpload>;
  /** Calls a method of the page. */
  call<T = void>(name: string, ...args: readonly unknown[]): Promise<T>;
  /** Closes the page as a user does, and opens it again. */
  killPage(): Promise<void>;
  close(): Promise<void>;
}

/** Builds the page, and opens it in Chromium. */
export async function openChromium(browser: LocatedBrowser): Promise<ChromiumSpools> {
  const root = fileURLToPath(new URL("page", import.meta.url));
  const outDir = await mkdtemp(join(tmpdir(), "peekpack-page-"));
  const common = { root, configFile: false, logLevel: "error" } as const;
  await build({
    ...common,
    resolve: { conditions: ["@peekpack/source", "module", "browser", "production"] },
    worker: { format: "es" },
    build: { outDir, emptyOutDir: true, target: "es2022" },
  });
  const server = await preview({ ...common, build: { outDir }, preview: { host: "127.0.0.1" } });
  const process = await chromium.launch(
    launchOptions(browser.absent === undefined ? browser.executable : undefined),
  );
  const context = await process.newContext();
  const objects: object[] = [];
  await context.exposeFunction("callShared", (shared: number, method: string, args: readonly unknown[]) =>
    outcomeOf(() =>
      (objects[shared] as Record<string, (...args: unknown[]) => unknown>)[method]!(...args.map(unpack)),
    ),
  );
  const open = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(server.resolvedUrls!.local[0]!);
    await page.waitForFunction(() => "contract" in globalThis);
    return page;
  };
  let page = await open();
  let signals = 0;

  const call = async <T = void>(name: string, ...args: readonly unknown[]): Promise<T> => {
    const given = [name, args.map(shared)] as const;
    return resultOf(await page.evaluate(([method, values]) => contract.call(method, values), given)) as T;
  };
  /** What the page gets of a value. */
  const shared = (value: unknown): unknown => {
    if (value instanceof AbortSignal) return shareSignal(value);
    if (value instanceof Uint8Array) return pack(value);
    if (Object.getPrototypeOf(value ?? 0) !== Object.prototype) return value;
    const fields = Object.entries(value as object).filter(([, field]) => typeof field !== "function");
    const plain = Object.fromEntries(fields.map(([name, field]) => [name, shared(field)]));
    const methods = Object.keys(value as object).filter((name) => !(name in plain));
    if (methods.length === 0) return plain;
    const { label, put } = plain;
    return {
      shared: objects.push(value as object) - 1,
      fields: { label, put },
      methods,
    } satisfies SharedObject;
  };
  const shareSignal = (signal: AbortSignal): SharedSignal => {
    const id = signals++;
    signal.addEventListener("abort", () => void call("abortSignal", id, signal.reason));
    return { signal: id, aborted: signal.aborted ? { reason: signal.reason } : undefined };
  };

  const spoolSink = (target: { readonly label: string }, options: SpoolSinkOptions) => {
    const owner = page;
    const sink = call("sink", target, options);
    sink.catch(() => {});
    return disposableSink({
      label: target.label,
      copies: true,
      write: async (chunk) => call("write", await sink, chunk),
      async spill() {
        const spill = await call("spill", await sink);
        return {
          write: async (bytes, at) => call("spillWrite", spill, bytes, at),
          read: async (start, end) => call<Uint8Array>("spillRead", spill, start, end),
          close: async () => call("spillClose", spill),
        };
      },
      finish: async (header) => call<WriteResult>("finish", await sink, header),
      async abort(reason) {
        // A sink ends with its page.
        if (owner === page) await call("abort", await sink, reason);
      },
    } satisfies ArchiveSink);
  };

  return {
    functions: {
      spoolSink,
      pendingUploads: async (options) => call<PendingUpload[]>("pendingUploads", options),
      resumeUpload: async (...args) => call<WriteResult>("resumeUpload", ...args),
      exportUpload: async (...args) => call<WriteResult>("exportUpload", ...args),
      discardUpload: async (...args) => call("discardUpload", ...args),
    },
    call,
    async killPage() {
      await page.close();
      page = await open();
      // A page that was closed may hold its locks for a moment.
      await page.waitForFunction(async () => (await navigator.locks.query()).held!.length === 0);
    },
    async close() {
      await process.close();
      await server.close();
      await rm(outDir, { recursive: true });
    },
  };
}
