/** Runs `peekpack query`, and paths that are JSON Pointers. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeArchive } from "@peekpack/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, ok, run } from "./run.js";

const value = {
  entries: [
    { gap: 1, energy: -1, "a/b": "slash" },
    { gap: 2, energy: 2n ** 60n, "~": "tilde" },
    { gap: 3, energy: null },
  ],
  "*": "star",
};
let folder = "";
let file = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "peekpack-query-"));
  file = join(folder, "data.msglc");
  await writeFile(file, encodeArchive(value, { smallObjectThreshold: 1 }));
});
afterAll(() => rm(folder, { recursive: true }));

const text = async (argv: readonly string[]): Promise<string> => (await ok(argv)).toString();

describe("query", () => {
  const energies = "$.entries[?@.gap > 1.5].energy";

  it("prints a line of JSON for each result", async () => {
    expect(await text(["query", file, energies])).toBe(
      `{"path":"$['entries'][1]['energy']","value":"1152921504606846976"}\n{"path":"$['entries'][2]['energy']","value":null}\n`,
    );
    expect(await text(["query", file, "$.nothing"])).toBe("");
  });

  it("prints a JSON list with --json", async () => {
    const printed = JSON.parse(await text(["query", "--json", file, "$.entries[:2].gap"])) as unknown;
    expect(printed).toEqual([
      { path: "$['entries'][0]['gap']", value: 1 },
      { path: "$['entries'][1]['gap']", value: 2 },
    ]);
    expect(JSON.parse(await text(["query", "--json", file, "$.nothing"]))).toEqual([]);
    expect(JSON.parse(await text(["query", "--json", "--paths", file, "$['*']"]))).toEqual(["$['*']"]);
  });

  it("prints paths, values, and as many as the limit says", async () => {
    expect(await text(["query", "--paths", file, energies])).toBe(
      "$['entries'][1]['energy']\n$['entries'][2]['energy']\n",
    );
    expect(await text(["query", "--values", file, energies])).toBe('"1152921504606846976"\nnull\n');
    expect(await text(["query", "--values", "--limit", "1", file, "$.entries[*].gap"])).toBe("1\n");
    expect(await text(["query", "--values", "--tagged", file, "$.entries[1].energy"])).toContain("$int");
  });

  it("fails with bad-path for a text that is not a query", async () => {
    expect(codeOf(await run(["query", file, "$.entries["]))).toBe("bad-path");
    expect((await run(["query", file])).status).toBe(2);
    expect((await run(["query", "--paths", "--values", file, "$"])).status).toBe(2);
  });
});

describe("--pointer", () => {
  it("takes PATH as a JSON Pointer", async () => {
    expect(await text(["cat", file, "/entries/0/a~1b", "--pointer"])).toBe('"slash"\n');
    expect(await text(["cat", "--pointer", file, "/entries/1/~0"])).toBe('"tilde"\n');
    expect(await text(["cat", "--pointer", file, "/*"])).toBe('"star"\n');
    expect(await text(["ls", "--pointer", file, "/entries/2"])).toContain("gap");
  });

  it("rejects a text that is not a pointer", async () => {
    expect(codeOf(await run(["cat", "--pointer", file, "entries"]))).toBe("bad-path");
    expect((await run(["cat", "--pointer", "--path-json", "[]", file])).status).toBe(2);
  });
});
