import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  freshBucket,
  liveRequired,
  removeBucket,
  type S3Server,
  S3ServerAbsent,
  type S3ServerKind,
  startS3,
} from "@peekpack/testing";
import { test as base, type ConsoleMessage, type Page, type Request } from "@playwright/test";
import { build } from "vite";

/** Result of the search in playwright.config.ts. */
export interface BrowserChoice {
  /** Why there is no browser; undefined if there is one. */
  readonly browserAbsent: string | undefined;
}

/** Builds the Vite project in a folder of the repository, once for all files of a worker. @returns the build's directory, which stays as it is */
export type Built = (project: string) => Promise<string>;

/** Playwright's `test` with the option `browserAbsent`, and with `built`. */
export const test = base.extend<object, BrowserChoice & { readonly built: Built }>({
  browserAbsent: [undefined, { option: true, scope: "worker" }],
  built: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from a pattern.
    async ({}, use) => {
      const directory = await mkdtemp(join(tmpdir(), "peekpack-built-"));
      const builds = new Map<string, Promise<string>>();
      const make = async (project: string): Promise<string> => {
        const outDir = join(directory, project);
        const root = fileURLToPath(new URL(`../${project}`, import.meta.url));
        await build({ root, logLevel: "warn", build: { outDir, emptyOutDir: true } });
        return outDir;
      };
      await use((project) => {
        const made = builds.get(project) ?? make(project);
        builds.set(project, made);
        return made;
      });
      await rm(directory, { recursive: true });
    },
    { scope: "worker" },
  ],
});

/** A running server with a new bucket. */
export interface ServerBucket {
  readonly server: S3Server;
  readonly bucket: string;
}

const KINDS = ["rustfs", "versitygw", "stand-in"] as const satisfies readonly S3ServerKind[];

/**
 * Registers `tests` for each S3 server: the one at S3_ENDPOINT and each kind that can be started. They are skipped with a
 * reason if the browser or the server is absent, or fail if PEEKPACK_REQUIRE_LIVE is set.
 */
export function onEachServer(
  tests: (place: () => ServerBucket, kind: S3ServerKind | undefined) => void,
  kinds: readonly (S3ServerKind | undefined)[] = process.env.S3_ENDPOINT ? [undefined, ...KINDS] : KINDS,
): void {
  for (const kind of kinds) {
    test.describe(kind ?? "the server at S3_ENDPOINT", () => {
      let place: ServerBucket | undefined;
      test.beforeAll(async ({ browserAbsent }) => {
        needBrowser(browserAbsent);
        try {
          const server = await startS3({ require: kind, build: false });
          place = { server, bucket: await freshBucket(server, "browser") };
        } catch (error) {
          if (!(error instanceof S3ServerAbsent)) throw error;
          absent(error.message);
        }
      });
      // Hooks run in order of registration: those of `tests` first.
      tests(() => place!, kind);
      test.afterAll(async () => {
        if (place === undefined) return;
        await removeBucket(place.server, place.bucket);
        await place.server.close();
      });
    });
  }
}

/**
 * Starts what all tests of a file share, and closes it after them. The tests are skipped with a reason if there is no browser, or fail if
 * PEEKPACK_REQUIRE_LIVE is set.
 * @returns what gives it to the tests and to hooks that are registered later
 */
export function forAllTests<T extends { close(): Promise<void> }>(
  start: (built: Built) => Promise<T>,
): () => T {
  let started: T | undefined;
  test.beforeAll(async ({ browserAbsent, built }) => {
    needBrowser(browserAbsent);
    started = await start(built);
  });
  test.afterAll(() => started?.close());
  return () => started!;
}

/** Skips a test, or the tests of a hook, if there is no browser. They fail instead if PEEKPACK_REQUIRE_LIVE is set. */
export function needBrowser(browserAbsent: BrowserChoice["browserAbsent"]): void {
  if (browserAbsent !== undefined) absent(`there is no browser: ${browserAbsent}`);
}

function absent(why: string): void {
  if (liveRequired()) throw new Error(why);
  console.warn(`SKIPPED: ${why}`);
  test.skip(true, why);
}

/** Whether the console reports a violation of the page's policy. */
export function isPolicyViolation(message: ConsoleMessage): boolean {
  return /Content Security Policy|Trusted Type/i.test(message.text());
}

/** Collects the errors of a page's scripts, and what `isTrouble` finds in its console. */
export function watchTrouble(page: Page, isTrouble: (message: ConsoleMessage) => boolean): readonly string[] {
  const trouble: string[] = [];
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("console", (message) => {
    if (isTrouble(message)) trouble.push(message.text());
  });
  return trouble;
}

/** Traffic between a page and one origin, as seen by the browser. */
export interface Traffic {
  /** Requests of the page. */
  readonly requests: readonly Request[];
  /** URLs of preflights. */
  readonly preflights: readonly string[];
  /** Total size of response bodies, without headers. */
  bodyBytes(): Promise<number>;
}

/** Records the traffic between a page and an origin. */
export async function watchTraffic(page: Page, origin: string): Promise<Traffic> {
  const requests: Request[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).origin === origin) requests.push(request);
  });
  // Playwright hides preflights; the DevTools protocol shows them.
  const preflights: string[] = [];
  const protocol = await page.context().newCDPSession(page);
  protocol.on("Network.requestWillBeSent", ({ request }) => {
    if (request.method === "OPTIONS" && new URL(request.url).origin === origin) preflights.push(request.url);
  });
  await protocol.send("Network.enable");
  return {
    requests,
    preflights,
    async bodyBytes() {
      const sizes = await Promise.all(requests.map((request) => request.sizes()));
      return sizes.reduce((sum, { responseBodySize }) => sum + responseBodySize, 0);
    },
  };
}
