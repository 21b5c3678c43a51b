import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { encodeArchive, isPeekpackError, openArchive, type RangeSource, type Value } from "@peekpack/core";
import { skippedAsAbsent } from "@peekpack/testing";
import { afterAll, describe, expect, it } from "vitest";
import { fromNormalizedPath, query, queryPaths } from "../src/index.js";

/* The public JSONPath compliance test suite. It is used where it exists beside the clone. */

const file = fileURLToPath(new URL("../../../../shared/fixtures/jsonpath-cts.json", import.meta.url));

interface Case {
  readonly name: string;
  readonly selector: string;
  readonly document?: Value;
  readonly result?: readonly Value[];
  readonly results?: readonly (readonly Value[])[];
  readonly result_paths?: readonly string[];
  readonly results_paths?: readonly (readonly string[])[];
  readonly invalid_selector?: boolean;
}

const present = existsSync(file);
const cases = present ? (JSON.parse(readFileSync(file, "utf8")) as { tests: Case[] }).tests : [];
const why = present ? undefined : "the compliance test suite is not beside the clone";
const layouts = {
  "everything indexed": { smallObjectThreshold: 1, trivialSize: 0 },
  "the default threshold": {},
  "a page index": { smallObjectThreshold: 1, trivialSize: 0, pageIndex: true },
} as const;

/** A source that is read by ranges as a remote one, and counts. */
function counting(bytes: Uint8Array): { readonly source: RangeSource; readonly count: () => number } {
  let reads = 0;
  const source: RangeSource = {
    label: "counting",
    async probe({ head, tail }) {
      reads++;
      return {
        size: bytes.length,
        head: bytes.slice(0, head),
        tail: bytes.slice(Math.max(0, bytes.length - tail)),
      };
    },
    async read(ranges) {
      reads += ranges.length;
      return ranges.map(({ start, end }) => bytes.slice(start, end));
    },
  };
  return { source, count: () => reads };
}

// A clone holds all else that its tests need, so even CI can only skip this suite.
describe.skipIf(skippedAsAbsent("JSONPath compliance", why, false))("the compliance test suite", () => {
  let checked = 0;
  afterAll(() => console.log(`${checked} of ${cases.length} compliance cases, in every layout`));

  it("has the cases that it is known to have", () => {
    expect(cases.length).toBeGreaterThanOrEqual(703);
  });

  const invalid = cases.filter(({ invalid_selector }) => invalid_selector);
  it.each(invalid.map((one) => [one.name, one] as const))("refuses: %s", async (_, { selector }) => {
    const archive = await openArchive(encodeArchive([]));
    let thrown: unknown;
    try {
      query(archive, selector);
    } catch (error) {
      thrown = error;
    }
    expect(isPeekpackError(thrown) && thrown.code).toBe("bad-path");
    checked++;
  });

  const valid = cases.filter(({ invalid_selector }) => !invalid_selector);
  it.each(valid.map((one) => [one.name, one] as const))("gives the right nodes: %s", async (_, one) => {
    for (const codec of ["msgpack", "cbor"] as const) {
      for (const layout of Object.values(layouts)) {
        const bytes = encodeArchive(one.document, { codec, ...layout });
        await check(bytes, one);
        const { source, count } = counting(bytes);
        await check(source, one);
        // The documents are small: first contact brings them.
        expect(count()).toBe(1);
      }
    }
    checked++;
  });
});

async function check(from: Uint8Array | RangeSource, one: Case): Promise<void> {
  const archive = await openArchive(from);
  const found = await query(archive, one.selector).toArray();
  const allowed = one.results ?? [one.result!];
  const allowedPaths = one.results_paths ?? [one.result_paths!];
  expect(allowed).toContainEqual(found.map(({ value }) => value));
  expect(allowedPaths).toContainEqual(found.map(({ path }) => path));
  expect(await queryPaths(archive, one.selector).toArray()).toEqual(found.map(({ path }) => path));
  for (const { path, value } of found) expect(await archive.read(fromNormalizedPath(path))).toEqual(value);
  await archive.close();
}
