import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  type ArchiveCase,
  type CorruptCase,
  difference,
  fingerprint,
  fromTagged,
  loadArchives,
  loadCorrupt,
  loadRealData,
  loadVectors,
  type ReadCase,
} from "@peekpack/testing/fixtures";
import { describe, expect, it } from "vitest";
import {
  type Archive,
  encodeArchive,
  isPeekpackError,
  openArchive,
  PeekpackError,
  type Value,
} from "../src/index.js";
import { asRead } from "./as-read.js";

const PROFILES = ["python", "rust"] as const;

/** The outcome of a read or of opening: what was given, or the code of the typed error. Anything else fails the test. */
async function outcome<T>(work: () => Promise<T>): Promise<{ value: T } | { error: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    return { error: error.code };
  }
}

/** What is wrong with a read's outcome, if anything. */
async function wrong(archive: Archive, { path, values, errors }: ReadCase): Promise<string | undefined> {
  const got = await outcome(() => archive.read(path));
  if ("error" in got) {
    return (errors as readonly string[]).includes(got.error)
      ? undefined
      : `${got.error} instead of ${errors.join(" or ") || "a value"}`;
  }
  if (values.length === 0) return `a value instead of ${errors.join(" or ")}`;
  const faults = values.map((value) => difference(got.value, value));
  return faults.includes(undefined) ? undefined : faults[0];
}

async function checkReads(archive: Archive, reads: readonly ReadCase[]): Promise<void> {
  const faults: string[] = [];
  for (const read of reads) {
    const fault = await wrong(archive, read);
    if (fault !== undefined) faults.push(`${JSON.stringify(read.path)}: ${fault}`);
  }
  expect(faults).toEqual([]);
}

const LONG_TEXT = "long ".repeat(5000);

describe("vectors: values and the exact bytes of their archives", () => {
  for (const row of loadVectors()) {
    it(`line ${row.line}: ${row.codec}, threshold ${row.threshold}, trivial ${row.trivial}`, async () => {
      const value = fromTagged(row.value);
      for (const profile of PROFILES) {
        const options = {
          codec: row.codec,
          profile,
          smallObjectThreshold: row.threshold,
          trivialSize: row.trivial,
        };
        if (row[profile] === undefined) {
          expect(() => encodeArchive(value, options)).toThrow(
            expect.objectContaining({ code: "unsupported-value" }),
          );
          continue;
        }
        const archive = encodeArchive(value, options);
        expect(fingerprint(archive)).toBe(row[profile]);
        const opened = await openArchive(archive);
        expect(difference(await opened.read(), asRead(row.value))).toBeUndefined();
        // Beside a long text it is decoded by the codec's own library, where that keeps what it is.
        const beside = await openArchive(encodeArchive([value, LONG_TEXT], options));
        const [first, second] = (await beside.read()) as Value[];
        expect(difference(first, asRead(row.value))).toBeUndefined();
        expect(second).toBe(LONG_TEXT);
      }
    });
  }
});

describe("archives made by the reference", () => {
  const open = (row: ArchiveCase): Promise<Archive> => openArchive(row.bytes(), { offset: row.offset });

  for (const row of loadArchives()) {
    it(`${row.file}: ${row.made}`, async () => {
      const archive = await open(row);
      expect(archive.info.codec).toBe(row.codec);
      expect(archive.info.kind).toBe(row.lazyKind);
      if (row.value !== undefined) expect(difference(await archive.read(), row.value)).toBeUndefined();
      await checkReads(archive, row.reads);
      if (row.rewrite && row.value !== undefined) {
        const { codec, profile, threshold, trivial } = row;
        const again = encodeArchive(fromTagged(row.value), {
          codec,
          profile,
          smallObjectThreshold: threshold,
          trivialSize: trivial,
        });
        expect(Buffer.compare(again, row.bytes())).toBe(0);
      }
    });
  }

  it("gives byte strings for numpy arrays where decoding them is off", async () => {
    let seen = 0;
    for (const row of loadArchives()) {
      for (const { path, raw } of row.reads) {
        if (raw === undefined) continue;
        const archive = await openArchive(row.bytes(), { offset: row.offset, numpy: false });
        expect(difference(await archive.read(path), raw)).toBeUndefined();
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(0);
  });
});

describe("corrupt files", () => {
  const check = async (row: CorruptCase): Promise<void> => {
    const opened = await outcome(() => openArchive(row.bytes()));
    if ("error" in opened) {
      expect(row.open as readonly string[]).toContain(opened.error);
      return;
    }
    expect(row.open as readonly string[]).toContain("ok");
    await checkReads(opened.value, row.reads);
  };
  for (const row of loadCorrupt()) it(`${row.file}: ${row.what}`, () => check(row));
});

describe("real data", () => {
  const require = createRequire(import.meta.url);
  for (const document of loadRealData()) {
    // Not by its subpath, which the package need not export.
    const file = require.resolve
      .paths(document.package)
      ?.map((folder) => `${folder}/${document.package}/${document.file}`)
      .find((path) => existsSync(path));
    const name = `${document.package}/${document.file}`;
    it.skipIf(file === undefined)(
      file === undefined ? `${name} (SKIPPED: the package is not installed)` : name,
      async () => {
        const text = readFileSync(file!);
        expect(createHash("sha256").update(text).digest("hex")).toBe(document.fileSha256);
        const value = JSON.parse(text.toString("utf8")) as unknown;
        for (const { codec, profile, bytes, sha256 } of document.archives) {
          const archive = encodeArchive(value, {
            codec,
            profile,
            smallObjectThreshold: document.threshold,
            trivialSize: document.trivial,
          });
          expect(archive.length).toBe(bytes);
          expect(createHash("sha256").update(archive).digest("hex")).toBe(sha256);
          await checkReads(await openArchive(archive), document.reads);
        }
      },
    );
  }
});

it("errors are PeekpackErrors with a code", () => {
  const error = new PeekpackError("corrupt", "x");
  expect(isPeekpackError(error)).toBe(true);
  expect(isPeekpackError(new Error("x"))).toBe(false);
});
