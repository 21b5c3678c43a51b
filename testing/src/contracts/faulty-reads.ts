import {
  type Archive,
  encodeArchive,
  httpSource,
  isPeekpackError,
  type OpenOptions,
  openArchive,
  publicUrl,
  type RangeSource,
  type RequestEvent,
  slice,
  type Value,
  withRangeCache,
} from "@peekpack/core";
import { s3Store } from "@peekpack/s3";

/** Operations that run while a fault is active. */
export const OPERATIONS = ["open", "leaf", "slice", "readMany", "select"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** How requests are authorized: by a signature each, by a presigned URL, or by a function that presigns again. */
export const AUTHORIZATIONS = ["signature", "url", "url function"] as const;
export type Authorization = (typeof AUTHORIZATIONS)[number];

/** Location of the archive of {@link faultyDocument}, and how it is read. Plain data that can be passed to a page. */
export interface FaultyPlace {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string | undefined;
  };
  /** bucket/key */
  readonly path: string;
  readonly by: Authorization;
  /** Endpoint that receives the requests while the fault is active. It does not respond. */
  readonly astray?: string | undefined;
  /** A request fails if no byte arrives for this long, in milliseconds. */
  readonly stallMs: number;
  /** Largest object that is kept whole if the server ignores ranges, in bytes. */
  readonly wholeBytes?: number | undefined;
}

/** Result of an operation. */
export interface FaultyOutcome {
  /** `right value`, `wrong value`, the code of the error, or a description of another failure. */
  readonly outcome: string;
  /** All text that the library emitted: labels, cache keys, events, and messages, stacks, causes and fields of errors. */
  readonly told: string;
  /** Message of the error, for the test report. */
  readonly message: string;
}

export const RIGHT = "right value";

/** Upper bound of an operation. Attempts, retry delays and `stallMs` bound each one far below. */
const BOUND_MS = 20_000;
const RECORDS = 150;
const SAMPLES = 20_000;

const words = (seed: number, length: number): string =>
  Array.from({ length }, (_, i) => String.fromCharCode(97 + ((seed * 31 + i * 7 + (i >> 3)) % 26))).join("");

/** The document: leaves, a list in blocks, and records with a column. */
export function faultyDocument(): { readonly [key: string]: Value } {
  return {
    // Keeps the other values out of the head; `last` keeps them out of the tail.
    first: words(1, 6000),
    leaf: { text: words(2, 1500), numbers: [1, 2.5, -3] },
    samples: Array.from({ length: SAMPLES }, (_, i) => (i * 7919) % 65_521),
    entries: Array.from({ length: RECORDS }, (_, i) => ({
      energy: i / 8 - 3,
      text: words(i, 1100 + (i % 7) * 50),
    })),
    last: words(3, 40_000),
  };
}

/** The archive of {@link faultyDocument}. */
export const faultyArchive = (): Uint8Array =>
  encodeArchive(faultyDocument() as Value, { smallObjectThreshold: 1024 });

const READING: OpenOptions = {
  headBytes: 2048,
  tailBytes: 24_000,
  retry: { attempts: 4, baseMs: 5, retryAfterMs: 50 },
};

/** Runs each operation, and returns whether its result is correct. `document` is the content of `archive`. */
const reads: Readonly<Record<Operation, (archive: Archive, document: Value) => Promise<boolean>>> = {
  open: async (archive, document) =>
    same(await archive.keys().toArray(), Object.keys(document as object)) && archive.info.kind === "map",
  leaf: async (archive, document) => same(await archive.read("leaf"), at(document, "leaf")),
  slice: async (archive, document) =>
    same(
      await archive.read(["samples", slice(700, 19_000, 13)]),
      (at(document, "samples") as Value[]).slice(700, 19_000).filter((_, i) => i % 13 === 0),
    ),
  async readMany(archive, document) {
    const entries = at(document, "entries") as { [key: string]: Value }[];
    const wanted = Array.from({ length: 40 }, (_, i) => (i * 37) % RECORDS);
    const read = await archive.readMany(wanted.map((index) => ["entries", index, "text"]));
    return same(
      read,
      wanted.map((index) => entries[index]!.text),
    );
  },
  async select(archive, document) {
    const entries = at(document, "entries") as { [key: string]: Value }[];
    const found: unknown[] = [];
    for await (const { value } of archive.select("entries/*/energy")) found.push(value);
    return same(
      found,
      entries.map(({ energy }) => energy),
    );
  },
};

const at = (value: Value, key: string): Value => (value as { [key: string]: Value })[key];
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Opens the archive and runs one operation. `arm` activates the fault, before the archive is opened or once it is open. Never
 * rejects, and always ends.
 */
export async function readUnderFault(
  place: FaultyPlace,
  operation: Operation,
  when: "from the start" | "once open",
  arm: () => Promise<void>,
  options: OpenOptions = {},
): Promise<FaultyOutcome> {
  const told: string[] = [];
  const astray = { now: false };
  const source = await faultySource(place, astray, told);
  told.push(source.label);
  const armNow = async (): Promise<void> => {
    await arm();
    astray.now = place.astray !== undefined;
  };
  const work = async (): Promise<boolean> => {
    if (when === "from the start") await armNow();
    const archive = await openArchive(source, {
      ...READING,
      ...options,
      onRequest: (event: RequestEvent) => told.push(JSON.stringify(event)),
    });
    try {
      told.push(JSON.stringify(archive.info));
      if (when === "once open") await armNow();
      return await reads[operation](archive, faultyDocument() as Value);
    } finally {
      await archive.close();
    }
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("it did not end"), BOUND_MS);
  });
  let message = "";
  const ended = work().then(
    (right) => (right ? RIGHT : "wrong value"),
    (error: unknown) => {
      message = String(error);
      told.push(...allText(error));
      return isPeekpackError(error) ? error.code : `an error without a code: ${message}`;
    },
  );
  const outcome = await Promise.race([ended, timeout]);
  clearTimeout(timer);
  return { outcome, told: told.join("\n"), message };
}

async function faultySource(
  place: FaultyPlace,
  astray: { now: boolean },
  told: string[],
): Promise<RangeSource> {
  const { by, path, stallMs, wholeBytes, endpoint } = place;
  const redirected = (url: string): string => (astray.now ? url.replace(endpoint, place.astray!) : url);
  const store = s3Store({
    ...place,
    fetch: (request) => fetch(astray.now ? new Request(redirected(request.url), request) : request),
  });
  const sign = (): Promise<string> => store.presign(path);
  const overHttp = {
    stallMs,
    wholeBytes,
    fetch: (url: string, init: RequestInit): Promise<Response> => fetch(redirected(url), init),
  };
  const source =
    by === "signature"
      ? store.source(path, { stallMs, wholeBytes })
      : by === "url"
        ? httpSource(await sign(), overHttp)
        : httpSource(sign, { ...overHttp, label: publicUrl(await sign()) });
  // A cache that stores nothing and records its keys.
  return withRangeCache(source, {
    latest: async (label) => void told.push(label),
    see: async (object) => void told.push(JSON.stringify(object)),
    read: async (object) => {
      told.push(JSON.stringify(object));
      return [];
    },
    write: async (object) => void told.push(JSON.stringify(object)),
  });
}

/** All text of an error and of its causes, also in fields that are not enumerable. */
function allText(error: unknown, depth = 0): string[] {
  if (typeof error !== "object" || error === null || depth > 5) return [String(error)];
  const fields = [...Object.getOwnPropertyNames(error), ...Object.getOwnPropertySymbols(error)];
  return [
    String(error),
    ...fields.flatMap((field) => [
      String(field),
      ...allText((error as Record<PropertyKey, unknown>)[field], depth + 1),
    ]),
  ];
}
