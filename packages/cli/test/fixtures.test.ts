/** Runs the command on the golden data. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ArchiveCase,
  difference,
  fingerprint,
  fromTagged,
  loadArchives,
  loadCorrupt,
  loadVectors,
  type ReadCase,
  type TaggedJson,
  toTagged,
} from "@peekpack/testing/fixtures";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, ok, run } from "./run.js";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../testing/fixtures/${name}`, import.meta.url));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "peekpack-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The arguments for a path: text, or exact keys. */
function pathArguments(path: ReadCase["path"]): { options: string[]; positional: string[] } {
  return typeof path === "string"
    ? { options: [], positional: [path] }
    : { options: ["--path-json", JSON.stringify(toTagged(path))], positional: [] };
}

/** What is wrong with the output of `cat` for a read. Undefined if nothing is. */
async function wrong(file: string, read: ReadCase, options: readonly string[]): Promise<string | undefined> {
  const path = pathArguments(read.path);
  const outcome = await run(["cat", "--tagged", ...options, ...path.options, "--", file, ...path.positional]);
  if (outcome.status !== 0) {
    const code = codeOf(outcome);
    return (read.errors as readonly string[]).includes(code) ? undefined : outcome.stderr;
  }
  if (read.values.length === 0) return `a value instead of ${read.errors.join(" or ")}`;
  const value = fromTagged(JSON.parse(outcome.stdout.toString()), { maps: "map" });
  const faults = read.values.map((expected) => difference(value, expected));
  return faults.includes(undefined) ? undefined : faults[0];
}

async function wrongReads(
  file: string,
  reads: readonly ReadCase[],
  options: readonly string[] = [],
): Promise<string[]> {
  const faults: string[] = [];
  for (const read of reads) {
    const fault = await wrong(file, read, options);
    if (fault !== undefined) faults.push(`${JSON.stringify(toTagged(read.path))}: ${fault}`);
  }
  return faults;
}

const encoding = (row: Pick<ArchiveCase, "codec" | "threshold" | "trivial">, profile: string): string[] => [
  "--codec",
  row.codec,
  "--threshold",
  String(row.threshold),
  "--trivial",
  String(row.trivial),
  "--profile",
  profile,
];

describe("archives made by the reference", () => {
  for (const row of loadArchives()) {
    it(row.file, async () => {
      const file = fixture(`archives/${row.file}`);
      const options = ["--offset", String(row.offset)];
      const text = (await ok(["cat", "--tagged", ...options, file])).toString();
      if (row.value !== undefined) {
        const value = fromTagged(JSON.parse(text), { maps: "map" });
        expect(difference(value, row.value, { order: true })).toBeUndefined();
      }
      expect(await wrongReads(file, row.reads, options)).toEqual([]);
      expect((await ok(["verify", ...options, file])).toString()).toMatch(
        /^ok: \d+ values, \d+ bytes, \d+ archives?\n$/,
      );
      const info = JSON.parse((await ok(["info", "--json", ...options, file])).toString()) as object;
      expect(info).toMatchObject({ kind: row.lazyKind, codec: row.codec, offset: row.offset });
      if (row.rewrite && row.value !== undefined) {
        const argv = ["write", "--tagged", ...encoding(row, row.profile), "-", "-"];
        expect(Buffer.compare(await ok(argv, JSON.stringify(row.value)), row.bytes())).toBe(0);
      }
    });
  }

  it("are printed as plain JSON", async () => {
    for (const row of loadArchives()) {
      const text = await ok(["cat", "--offset", String(row.offset), fixture(`archives/${row.file}`)]);
      expect(text.at(-1)).toBe(0x0a);
      JSON.parse(text.toString());
    }
  });

  it("have child archives that are extracted byte for byte", async () => {
    let seen = 0;
    for (const row of loadArchives().filter(({ lazyKind }) => lazyKind.startsWith("combined"))) {
      const file = fixture(`archives/${row.file}`);
      const options = ["--offset", String(row.offset)];
      const entries = JSON.parse((await ok(["ls", "--json", ...options, file])).toString()) as {
        key: TaggedJson;
        kind: string;
        bytes: number;
      }[];
      let at = row.offset + 50;
      for (const { key, kind, bytes } of entries.slice(0, 5)) {
        expect(kind).toBe("archive");
        const child = await ok(["extract", ...options, "--path-json", JSON.stringify([key]), file, "-"]);
        expect(Buffer.compare(child, row.bytes().subarray(at, at + child.length))).toBe(0);
        seen++;
        // Some children are followed by bytes that do not belong to them.
        expect(child.length).toBeLessThanOrEqual(bytes);
        at += bytes;
      }
    }
    expect(seen).toBeGreaterThan(20);
  });
});

describe("vectors: values and the exact bytes of their archives", () => {
  for (const profile of ["python", "rust"] as const) {
    it(profile, async () => {
      const faults: string[] = [];
      for (const row of loadVectors()) {
        const argv = ["write", "--tagged", ...encoding(row, profile), "-", "-"];
        const outcome = await run(argv, JSON.stringify(row.value));
        if (row[profile] === undefined) {
          if (codeOf(outcome) !== "unsupported-value") faults.push(`line ${row.line}: ${outcome.stderr}`);
        } else if (outcome.status !== 0 || fingerprint(outcome.stdout) !== row[profile]) {
          faults.push(`line ${row.line}: ${outcome.stderr || "other bytes"}`);
        }
      }
      expect(faults).toEqual([]);
    }, 60_000);
  }
});

describe("corrupt files", () => {
  for (const row of loadCorrupt()) {
    it(`${row.file}: ${row.what}`, async () => {
      const file = join(folder, row.file);
      await writeFile(file, row.bytes());
      const opened = await run(["info", file]);
      const verified = await run(["verify", file]);
      if (opened.status !== 0) {
        expect(row.open as readonly string[]).toContain(codeOf(opened));
        expect(codeOf(verified)).toBe(codeOf(opened));
        return;
      }
      expect(row.open).toContain("ok");
      expect(await wrongReads(file, row.reads)).toEqual([]);
      // verify must find every fault that fails a read. A path that leads nowhere is not a fault of the archive.
      const damage = row.reads.filter(
        ({ values, errors }) =>
          values.length === 0 && !errors.some((code) => /^(not-found|bad-path)$/.test(code)),
      );
      if (damage.length > 0) codeOf(verified);
      if (row.file.startsWith("ok-")) expect(verified.stderr).toBe("");
    });
  }
});
