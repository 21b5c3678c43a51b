import {
  freshBucket,
  liveRequired,
  removeBucket,
  type S3Server,
  S3ServerAbsent,
  type S3ServerKind,
  startS3,
} from "@peekpack/testing";
import { test as base, type Page, type Request } from "@playwright/test";

/** What playwright.config.ts has found. */
export interface BrowserChoice {
  /** In words why there is no browser; undefined when there is one. */
  readonly browserAbsent: string | undefined;
}

/** Playwright's `test` for tests that need a browser. */
export const test = base.extend<object, BrowserChoice>({
  browserAbsent: [undefined, { option: true, scope: "worker" }],
});

/** A running server and a bucket of the tests' own. */
export interface Place {
  readonly server: S3Server;
  readonly bucket: string;
}

/** Rustfs first: it is the server that the project is made for. */
const KINDS = ["rustfs", "versitygw", "stand-in"] as const satisfies readonly S3ServerKind[];

/**
 * Registers `tests` once for each S3 server: the one that S3_ENDPOINT names, and each kind that can be started here. Without
 * a browser, or without that server, they count as skipped and say why; where live things are required, they fail.
 */
export function onEachServer(tests: (place: () => Place, kind: S3ServerKind | undefined) => void): void {
  for (const kind of [...(process.env.S3_ENDPOINT ? [undefined] : []), ...KINDS]) {
    test.describe(kind ?? "the server at S3_ENDPOINT", () => {
      let place: Place | undefined;
      test.beforeAll(async ({ browserAbsent }) => {
        if (browserAbsent !== undefined) absent(`there is no browser: ${browserAbsent}`);
        try {
          const server = await startS3({ require: kind, build: false });
          place = { server, bucket: await freshBucket(server, "browser") };
        } catch (error) {
          if (!(error instanceof S3ServerAbsent)) throw error;
          absent(error.message);
        }
      });
      // Hooks run in the order in which they are registered: those of `tests` first.
      tests(() => place!, kind);
      test.afterAll(async () => {
        if (place === undefined) return;
        await removeBucket(place.server, place.bucket);
        await place.server.close();
      });
    });
  }
}

function absent(why: string): void {
  if (liveRequired()) throw new Error(why);
  console.warn(`SKIPPED: ${why}`);
  test.skip(true, why);
}

/** The requests of a page to one origin, as the browser saw them. */
export interface Traffic {
  /** Those that the page made. */
  readonly requests: readonly Request[];
  /** Questions whether a request is allowed, which the browser asks by itself. */
  readonly preflights: readonly string[];
  /** Bytes of the bodies that arrived, without headers. */
  bodyBytes(): Promise<number>;
}

/** Watches what a page asks of an origin. */
export async function watchTraffic(page: Page, origin: string): Promise<Traffic> {
  const requests: Request[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).origin === origin) requests.push(request);
  });
  // Playwright does not show preflights; the browser's own protocol does.
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
