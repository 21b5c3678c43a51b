/** Runs each command in this process. */
import { link, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Ext,
  encodeArchive,
  float64,
  isPeekpackError,
  LazyList,
  LazyMap,
  NdArray,
  openArchive,
  Simple,
  Tagged,
  Timestamp,
} from "@peekpack/core";
import { jsonText, toTagged } from "@peekpack/core/tagged";
import { verifyArchive } from "@peekpack/core/verify";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { codeOf, ok, run } from "./run.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "peekpack-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes an archive of a value. @returns the name of the file */
async function archive(value: unknown, options?: Parameters<typeof encodeArchive>[1]): Promise<string> {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.msglc`);
  await writeFile(file, encodeArchive(value, options));
  return file;
}

const text = async (argv: readonly string[], input = ""): Promise<string> =>
  (await ok(argv, input)).toString();

describe("usage", () => {
  const wrong: [string, string[]][] = [
    ["no command", []],
    ["an unknown command", ["frobnicate"]],
    ["too few arguments", ["cat"]],
    ["too many arguments", ["cat", "a", "b", "c"]],
    ["an unknown option", ["cat", "--nope", "a"]],
    ["an option without its value", ["cat", "a", "--offset"]],
    ["a negative offset", ["cat", "a", "--offset", "-1"]],
    ["a path given twice", ["cat", "a", "b", "--path-json", "[]"]],
    ["a path that is not JSON", ["cat", "a", "--path-json", "a/b"]],
    ["a path that is not a list", ["cat", "a", "--path-json", '"a"']],
    ["a path of maps", ["cat", "a", "--path-json", '[{"a":1}]']],
    ["an unknown codec", ["write", "a", "b", "--codec", "json"]],
    ["a threshold with a fraction", ["write", "a", "b", "--threshold", "1.5"]],
    ["an unknown put mode", ["write", "a", "b", "--put", "always"]],
    ["writing to a URL", ["write", "a", "https://example.org/x"]],
    ["another scheme", ["cat", "gopher://example.org/x"]],
    ["a URL with a password", ["cat", "https://user:password@example.org/x?token=secret"]],
    ["S3 without a key", ["cat", "s3://bucket"]],
    ["an endpoint that is not a URL", ["cat", "s3://bucket/key", "--endpoint", "nonsense"]],
    ["an archive from standard input", ["cat", "-"]],
    ["names for only some children", ["combine", "out", "a=b", "c"]],
    ["nothing to combine", ["combine", "out"]],
    ["appending to a URL", ["append", "https://example.org/x", "a=b"]],
    ["extracting without an output", ["extract", "a", "b"]],
    ["extracting with two paths", ["extract", "a", "b", "c", "--path-json", "[]"]],
  ];
  it.each(wrong)("%s ends with status 2 and a short text", async (_, argv) => {
    const { status, stdout, stderr } = await run(argv);
    expect(status).toBe(2);
    expect(stdout.length).toBe(0);
    expect(stderr).toMatch(/^peekpack: usage: .+\nusage: peekpack /);
    expect(stderr).not.toMatch(/password|secret|token|\n +at /);
  });

  it("prints help and version, for peekpack and for each command", async () => {
    expect(await text(["--version"])).toMatch(/^peekpack \d+\.\d+\.\d+\n$/);
    const overview = await text(["--help"]);
    for (const name of ["info", "ls", "cat", "verify", "write", "combine", "append", "extract", "explore"]) {
      expect(overview).toContain(`\n  ${name} `);
      expect(await text([name, "--help"])).toContain(`usage: peekpack ${name} `);
      expect(await text([name, "--version"])).toMatch(/^peekpack \d/);
    }
  });

  it("prints the same help for -h, --help and help, with examples", async () => {
    expect(await text(["-h"])).toBe(await text(["--help"]));
    expect(await text(["help"])).toBe(await text(["--help"]));
    const help = await text(["help", "ls"]);
    expect(help).toMatch(/^usage: peekpack ls /);
    expect(help).toContain("examples:\n  peekpack ls ");
    expect(await text(["ls", "-h"])).toBe(help);
    expect(await text(["-h", "ls"])).toBe(help);
    expect((await run(["help", "frobnicate"])).status).toBe(2);
  });
});

describe("errors", () => {
  it("name the archive, and suggest the key that was meant", async () => {
    const file = await archive({ entries: [{ energy: 1 }], "a/b": 2 }, { smallObjectThreshold: 4 });
    const stderr = async (...argv: string[]): Promise<string> => (await run(argv)).stderr;
    expect(await stderr("cat", file, "entires/0")).toMatch(
      /^peekpack: not-found: \S+\.msglc: entires: .*Did you mean entries\?\n$/,
    );
    expect(await stderr("info", file, "entries/0/enrgy")).toContain("Did you mean entries/0/energy?\n");
    expect(await stderr("ls", file, "a_b")).toContain('Did you mean "a/b"?\n');
    expect(await stderr("verify", file, "something else")).not.toContain("Did you mean");
    expect(await stderr("cat", file, "entries/0/energy/x")).toContain(file);
  });

  it("say what to do", async () => {
    const json = join(folder, "data.json");
    await writeFile(json, `{"a": [${"1,".repeat(100)}1]}`);
    const outcome = await run(["cat", json]);
    expect(codeOf(outcome)).toBe("not-an-archive");
    expect(outcome.stderr).toContain(`${json}: `);
    expect(outcome.stderr).toContain("peekpack write");
    const half = join(folder, "half.msglc");
    await writeFile(half, encodeArchive({ a: "b".repeat(100) }).subarray(0, 80));
    expect((await run(["cat", half])).stderr).toMatch(/^peekpack: truncated: .*half\.msglc.* again\.\n$/);
  });

  it("suggest the command and the option that were meant", async () => {
    expect((await run(["wirte", "a", "b"])).stderr).toContain("Did you mean write?");
    expect((await run(["frobnicate"])).stderr).not.toContain("Did you mean");
    const { status, stderr } = await run(["ls", "--jsno", "a"]);
    expect(status).toBe(2);
    expect(stderr).toContain("there is no option --jsno. Did you mean --json?");
  });
});

describe("cat", () => {
  it("reads a file of many small containers in few reads", async () => {
    const value = Object.fromEntries(
      Array.from({ length: 3000 }, (_, id) => [`entry ${id}`, { id, text: "row ".repeat(100) }]),
    );
    const file = await archive(value, { smallObjectThreshold: 64 });
    const handle = await open(file);
    const reads = vi.spyOn(Object.getPrototypeOf(handle) as typeof handle, "read");
    await handle.close();
    expect(JSON.parse((await ok(["cat", file])).toString())).toEqual(value);
    expect(reads.mock.calls.length).toBeLessThan(100);
    reads.mockRestore();
  });

  it("writes values that JSON lacks as text, lists and objects", async () => {
    const value = [
      Uint8Array.of(1, 2, 255),
      2n ** 63n,
      -(2n ** 60n),
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      -0,
      1.5,
      new Date(Date.UTC(2024, 1, 29, 12)),
      new Timestamp(1, 2),
      new Timestamp(2 ** 50, 0),
    ];
    expect(JSON.parse(await text(["cat", await archive(value)]))).toEqual([
      "AQL/",
      "9223372036854775808",
      "-1152921504606846976",
      "NaN",
      "Infinity",
      "-Infinity",
      -0,
      1.5,
      "2024-02-29T12:00:00.000Z",
      "1970-01-01T00:00:01.000000002Z",
      { seconds: String(2 ** 50), nanoseconds: 0 },
    ]);
    const cbor = [
      undefined,
      new Simple(7),
      new Tagged(1000, [Uint8Array.of(0)]),
      new Tagged(2n ** 60n, null),
    ];
    expect(JSON.parse(await text(["cat", await archive(cbor, { codec: "cbor" })]))).toEqual([
      null,
      { simple: 7 },
      { tag: 1000, value: ["AA=="] },
      { tag: String(2n ** 60n), value: null },
    ]);
    expect(JSON.parse(await text(["cat", await archive([new Ext(5, Uint8Array.of(9))])]))).toEqual([
      { ext: 5, data: "CQ==" },
    ]);
    const array = new NdArray(Float64Array.of(1, Number.NaN, 3, 4), [2, 2]);
    expect(JSON.parse(await text(["cat", await archive([array], { numpy: "pickle" })]))).toEqual([
      [
        [1, "NaN"],
        [3, 4],
      ],
    ]);
  });

  it("writes every key as text, in order", async () => {
    const map = new Map<unknown, unknown>([
      ["10", 1],
      ["9", 2],
      [3, 3],
      [2n ** 60n, 4],
      [1.5, 5],
      [true, 6],
      [null, 7],
      [Uint8Array.of(0, 255), 8],
      ["__proto__", 9],
      ['"', 10],
    ]);
    const expected = `{"10":1,"9":2,"3":3,"${2n ** 60n}":4,"1.5":5,"true":6,"null":7,"AP8=":8,"__proto__":9,"\\"":10}\n`;
    for (const smallObjectThreshold of [8192, 1]) {
      expect(await text(["cat", await archive(map, { smallObjectThreshold, trivialSize: 0 })])).toBe(
        expected,
      );
    }
  });

  it("writes the same text for lazy containers and for values in memory", async () => {
    const words = Array.from({ length: 3000 }, (_, i) => ({
      id: i,
      text: "ä\u{1f600}".repeat(i % 90),
      n: [i / 3],
    }));
    const value = { words, numbers: Array.from({ length: 200_000 }, (_, i) => i), "a/b": [{}, []] };
    const file = await archive(value, { smallObjectThreshold: 256 });
    expect(await text(["cat", file])).toBe(`${JSON.stringify(value)}\n`);
    expect(await text(["cat", "--indent", "2", file])).toBe(`${JSON.stringify(value, undefined, 2)}\n`);
    expect(JSON.parse(await text(["cat", "--tagged", file]))).toEqual(toTagged(value));
    expect(await text(["cat", file, "words/1:3/0/id"])).toBe("1\n");
    expect(JSON.parse(await text(["cat", file, "words/-2:"]))).toEqual(words.slice(-2));
    expect(await text(["cat", "--path-json", '["a/b",0]', file])).toBe("{}\n");
    const list = await archive(["first", "last"]);
    for (const argv of [
      ["cat", list, "-1"],
      ["cat", list, "--", "-1"],
    ])
      expect(await text(argv)).toBe('"last"\n');
  });

  it("prints every match of a pattern, one a line", async () => {
    const entries = Array.from({ length: 300 }, (_, i) => ({ energy: i / 2, name: `run ${i}` }));
    const file = await archive({ entries, "*": [1] }, { smallObjectThreshold: 16 });
    const lines = entries.map(({ energy }) => `${energy}\n`);
    expect(await text(["cat", file, "entries/*/energy"])).toBe(lines.join(""));
    expect(await text(["cat", "--tagged", file, "entries/*/name"])).toContain('"run 299"\n');
    expect(await text(["cat", "--path-json", '["*",0]', file])).toBe("1\n");
    expect(codeOf(await run(["cat", file, "entries/*/nothing"]))).toBe("not-found");
  });

  it("writes long texts and byte strings in chunks that join to valid JSON", async () => {
    const long = `${"x".repeat(65_535)}\u{1f600}${"\n".repeat(70_000)}\u{1f600}`;
    const bytes = Uint8Array.from({ length: 200_001 }, (_, i) => i);
    const chunks: string[] = [];
    for await (const chunk of jsonText([long, bytes])) chunks.push(chunk);
    expect(chunks.length).toBeGreaterThan(4);
    expect(JSON.parse(chunks.join(""))).toEqual([long, Buffer.from(bytes).toString("base64")]);
    const file = await archive([long, bytes]);
    expect(JSON.parse(await text(["cat", "--tagged", file]))).toEqual(toTagged([long, bytes]));
  });
});

describe("ls and info", () => {
  const value = new Map<unknown, unknown>([
    ["name", "peek"],
    ["list", Array.from({ length: 50 }, (_, i) => `item number ${i} of the list`)],
    ["a/b", { x: "y".repeat(300) }],
    ["", 1],
    ["1", 2],
    [1, 3],
    ["\u001b[31m", 4],
    [Uint8Array.of(1), 5],
  ]);

  it("list entries of the table, with unambiguous keys", async () => {
    const file = await archive(value, { smallObjectThreshold: 64 });
    const lines = (await text(["ls", file])).trimEnd().split("\n");
    expect(lines.map((line) => line.trim().split(/\s+/))).toEqual([
      ["value", "-", "5", "name"],
      ["list", "50", expect.stringMatching(/^\d+$/), "list"],
      ["map", "1", expect.stringMatching(/^\d+$/), '"a/b"'],
      ["value", "-", "1", '""'],
      ["value", "-", "1", '"1"'],
      ["value", "-", "1", "1"],
      ["value", "-", "1", '"\\u001b[31m"'],
      ["value", "-", "1", '{"$bytes":"01"}'],
    ]);
    const entries = JSON.parse(await text(["ls", "--json", file])) as object[];
    expect(entries).toHaveLength(8);
    expect(entries[0]).toEqual({ key: "name", kind: "value", bytes: 5 });
    expect(entries[7]).toEqual({ key: { $bytes: "01" }, kind: "value", bytes: 1 });
    expect(entries[1]).toMatchObject({ key: "list", kind: "list", items: 50 });
  });

  it("list containers that have no entries in the table", async () => {
    const file = await archive([null, true, 1, "ä", Uint8Array.of(1), [1], { a: 1 }]);
    const entries = JSON.parse(await text(["ls", "--json", file])) as { kind: string }[];
    expect(entries.map(({ kind }) => kind)).toEqual([
      "null",
      "boolean",
      "number",
      "text",
      "bytes",
      "list",
      "map",
    ]);
    expect(entries[3]).toEqual({ key: 3, kind: "text", bytes: 2 });
    expect(entries[6]).toEqual({ key: 6, kind: "map", items: 1 });
    expect(await text(["ls", "--json", file, "5"])).toBe('[\n{"key":0,"kind":"number"}\n]\n');
    expect(await text(["ls", file, "1:3"])).toMatch(/^boolean .* 0\nnumber .* 1\n$/);
    const blocked = await archive(Array.from({ length: 20_000 }, (_, i) => i));
    expect((await text(["ls", blocked])).trimEnd().split("\n")).toHaveLength(20_000);
    expect(codeOf(await run(["ls", file, "2"]))).toBe("bad-path");
    expect(codeOf(await run(["ls", file, "9"]))).toBe("not-found");
  });

  it("list every match of a pattern with its path", async () => {
    const entries = Object.fromEntries(
      Array.from({ length: 3 }, (_, i) => [`run/${i}`, { energy: i, text: "x".repeat(100), 7: [i] }]),
    );
    const file = await archive({ entries, list: [[1], ["a"], null] }, { smallObjectThreshold: 64 });
    const lines = (await text(["ls", file, "entries/*/energy"])).trimEnd().split("\n");
    expect(lines.map((line) => line.trim().split(/\s+/))).toEqual([
      ["value", "-", "1", 'entries/"run/0"/energy'],
      ["value", "-", "1", 'entries/"run/1"/energy'],
      ["value", "-", "1", 'entries/"run/2"/energy'],
    ]);
    // The table does not have the items of the inner lists.
    const found = JSON.parse(await text(["ls", "--json", file, "list/*/0"])) as object[];
    expect(found).toEqual([
      { path: ["list", 0, 0], kind: "number" },
      { path: ["list", 1, 0], kind: "text", bytes: 1 },
    ]);
    const maps = JSON.parse(await text(["ls", "--json", file, "*/*"])) as object[];
    expect(maps).toHaveLength(6);
    expect(maps[0]).toMatchObject({ path: ["entries", "run/0"], kind: "map", items: 3 });
    expect(codeOf(await run(["ls", file, "entries/*/nothing"]))).toBe("not-found");
    // In an exact path * is a key.
    expect(codeOf(await run(["ls", file, "--path-json", '["*"]']))).toBe("not-found");
  });

  it("show the properties of an archive and of values", async () => {
    const file = await archive(value, { smallObjectThreshold: 64, codec: "cbor" });
    const { size } = JSON.parse(await text(["info", "--json", file])) as { size: number };
    expect(size).toBe((await readFile(file)).length);
    expect(await text(["info", file])).toMatch(/^label +file:.*\ncodec +cbor\nkind +map\nitems +8\n/);
    expect(JSON.parse(await text(["info", "--json", file, "list"]))).toMatchObject({
      kind: "list",
      items: 50,
    });
    expect(JSON.parse(await text(["info", "--json", file, "name"]))).toEqual({ kind: "text", bytes: 4 });
    const combined = join(folder, "combined.msglc");
    await ok(["combine", combined, `x=${file}`]);
    expect(JSON.parse(await text(["info", "--json", combined, "x"]))).toMatchObject({
      kind: "map",
      codec: "cbor",
      size,
      offset: 50,
    });
  });
});

describe("on a terminal", () => {
  const onTerminal = async (...argv: string[]): Promise<string> => {
    const { status, stdout } = await run(argv, "", { terminal: true });
    expect(status).toBe(0);
    return stdout.toString();
  };
  afterEach(() => vi.unstubAllEnvs());

  it("JSON is indented, and sizes are readable", async () => {
    vi.stubEnv("NO_COLOR", "1");
    const file = await archive({ list: Array.from({ length: 12_345 }, (_, i) => i), x: [1] });
    expect(await onTerminal("cat", file, "x")).toBe("[\n  1\n]\n");
    expect(await onTerminal("cat", "--indent", "0", file, "x")).toBe("[1]\n");
    expect(await onTerminal("ls", file)).toMatch(/^list +12,345 +[\d.]+ kB {2}list\n/);
    expect(await onTerminal("info", file)).toMatch(/\nsize +[\d.]+ kB\n/);
    expect(await onTerminal("verify", file)).toMatch(/^ok: 12,34\d values, [\d.]+ kB, 1 archive\n$/);
    expect(await text(["info", file])).toMatch(/\nsize +\d+\n/);
  });

  it("info draws where the bytes are, and what opening reads", async () => {
    vi.stubEnv("NO_COLOR", "1");
    const value = { big: "x".repeat(60_000), small: "y".repeat(10_000) };
    const file = await archive(value, { smallObjectThreshold: 64 });
    const drawn = await onTerminal("info", file);
    expect(drawn).toMatch(/\n {2}header +50 B +0\.1 %\n {2}data +70\.0 kB +99\.\d % {2}█{31}.?\n/);
    expect(drawn).toMatch(/\n {2}table of contents +\d+ B +0\.\d %\n/);
    expect(drawn).toMatch(/\nlargest entries\n {2}big +60\.0 kB +85\.\d % {2}█+.?\n {2}small +10\.0 kB/);
    expect(drawn).toMatch(/\nopening reads [\d.]+ kB\n$/);
    const combined = join(folder, "combined.msglc");
    await ok(["combine", combined, `a=${file}`, `b=${file}`]);
    expect(await onTerminal("info", combined)).toMatch(
      /child archives +140 kB[\s\S]*largest children\n {2}a +[\d.]+ kB +50\.0 % {2}█{16}\n/,
    );
    // Machines get numbers.
    expect(await text(["info", file])).toMatch(/\nopeningBytes +\d+\n/);
    expect(JSON.parse(await text(["info", "--json", file]))).toMatchObject({
      openingBytes: expect.any(Number),
    });
    expect(await onTerminal("info", "--json", file)).not.toContain("█");
  });

  it("colors are used, unless NO_COLOR is set", async () => {
    const file = await archive({ list: Array.from({ length: 12_345 }, (_, i) => i) });
    vi.stubEnv("NO_COLOR", "");
    vi.stubEnv("TERM", "xterm");
    expect(await onTerminal("ls", file)).toContain("\u001b[34mlist");
    vi.stubEnv("NO_COLOR", "1");
    expect(await onTerminal("ls", file)).not.toContain("\u001b");
    vi.unstubAllEnvs();
    expect(await text(["ls", file])).not.toContain("\u001b");
  });

  it("C1 controls and overrides of the text direction are escaped in keys, values and errors", async () => {
    vi.stubEnv("NO_COLOR", "1");
    const evil = "a\u009b31m\u202eb\u2066c\u007f";
    const file = await archive({ [evil]: evil }, { smallObjectThreshold: 1 });
    const all = [
      await onTerminal("cat", file),
      await onTerminal("cat", "--tagged", file),
      await onTerminal("ls", file),
      (await run(["cat", file, `${evil}x`], "", { terminal: true })).stderr,
      (await run(["cat", file, evil, "--path-json", "[]"], "", { terminal: true })).stderr,
    ];
    for (const output of all) expect(output).not.toMatch(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(JSON.parse(all[0]!)).toEqual({ [evil]: evil });
    expect(await text(["cat", file])).toContain("\u202e");
  });

  it("archives are not written", async () => {
    const file = await archive({ a: 1 });
    for (const argv of [
      ["write", "-", "-"],
      ["combine", "-", `a=${file}`],
      ["extract", file, "", "-"],
      ["extract", file, "a", "-"],
    ]) {
      const { status, stdout, stderr } = await run(argv, "1", { terminal: true });
      expect(status).toBe(2);
      expect(stderr).toContain("an archive is binary");
      expect(stdout.length).toBe(0);
    }
  });
});

describe("write", () => {
  it("reads JSON as JavaScript does", async () => {
    const json =
      '\ufeff{"b": 1.0, "10": 12345678901234567890, "2": [1e3, -0, "\\ud83d\\ude00"], "__proto__": {}}';
    const bytes = await ok(["write", "-", "-"], json);
    expect(Buffer.compare(bytes, encodeArchive(JSON.parse(json.slice(1))))).toBe(0);
  });

  it("takes all options, and leaves the old file after a failure", async () => {
    const input = join(folder, "input.json");
    const out = join(folder, "out.msglc");
    const value = { list: Array.from({ length: 100 }, (_, i) => i) };
    await writeFile(input, JSON.stringify(value));
    const options = ["--codec", "cbor", "--threshold", "16", "--trivial", "4", "--profile", "rust"];
    await ok(["write", ...options, input, out]);
    const expected = encodeArchive(value, {
      codec: "cbor",
      smallObjectThreshold: 16,
      trivialSize: 4,
      profile: "rust",
    });
    expect(Buffer.compare(await readFile(out), expected)).toBe(0);
    expect(codeOf(await run(["write", "--put", "create", input, out]))).toBe("exists");
    await ok(["write", "--put", "overwrite", input, out]);
    const before = await readFile(out);
    expect(codeOf(await run(["write", "--tagged", "-", out], '{"$map": [["a", {"$nonsense": 1}]]}'))).toBe(
      "unsupported-value",
    );
    expect(codeOf(await run(["write", "-", out], '{"a": '))).toBe("corrupt");
    expect(codeOf(await run(["write", "-", out], Uint8Array.of(0x22, 0xff, 0x22) as never))).toBe("corrupt");
    expect(codeOf(await run(["write", join(folder, "none.json"), out]))).toBe("not-found");
    expect(codeOf(await run(["write", input, join(folder, "none", "out")]))).toBe("not-found");
    expect(Buffer.compare(await readFile(out), before)).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(["input.json", "out.msglc"]);
  });

  it("rejects input that is nested too deeply, in one line", async () => {
    for (const depth of [2000, 100_000]) {
      const outcome = await run(["write", "--tagged", "-", "-"], "[".repeat(depth) + "]".repeat(depth));
      expect(["limit", "unsupported-value"]).toContain(codeOf(outcome));
      expect(outcome.stdout.length).toBe(0);
    }
  });
});

describe("combine, append, extract", () => {
  it("make maps and lists, and leave the old archive after a failure", async () => {
    const a = await archive({ x: 1 });
    const b = await archive([1, 2, 3], { codec: "cbor" });
    const map = join(folder, "map.msglc");
    const list = join(folder, "list.msglc");
    await ok(["combine", "--codec", "cbor", map, `a=${a}`, `b=${b}`]);
    expect(JSON.parse(await text(["cat", map]))).toEqual({ a: { x: 1 }, b: [1, 2, 3] });
    await ok(["combine", list, a, b, map]);
    expect(JSON.parse(await text(["cat", list]))).toEqual([
      { x: 1 },
      [1, 2, 3],
      { a: { x: 1 }, b: [1, 2, 3] },
    ]);
    await ok(["append", map, `c=${list}`]);
    await ok(["append", list, b]);
    expect(await text(["cat", map, "c/2/b/-1"])).toBe("3\n");
    expect(await text(["cat", list, "3"])).toBe("[1,2,3]\n");
    expect(await text(["verify", map])).toMatch(/^ok: \d+ values, \d+ bytes, 9 archives\n$/);

    const before = await readFile(map);
    expect(codeOf(await run(["append", map, `a=${b}`]))).toBe("duplicate-name");
    expect(codeOf(await run(["append", map, b]))).toBe("unsupported-value");
    expect(codeOf(await run(["append", a, `x=${b}`]))).toBe("unsupported-value");
    expect(codeOf(await run(["append", join(folder, "none"), `x=${b}`]))).toBe("not-found");
    expect(codeOf(await run(["combine", map, `a=${a}`, `a=${b}`]))).toBe("duplicate-name");
    expect(codeOf(await run(["combine", map, `a=${a}`, `b=${join(folder, "none")}`]))).toBe("not-found");
    await writeFile(join(folder, "junk"), "x".repeat(100));
    expect(codeOf(await run(["combine", map, `a=${a}`, `b=${join(folder, "junk")}`]))).toBe("not-an-archive");
    expect(codeOf(await run(["combine", map, `a=${a}`, `self=${map}`]))).toBe("unsupported-value");
    expect(codeOf(await run(["append", map, `self=${map}`]))).toBe("unsupported-value");
    expect(codeOf(await run(["combine", "--put", "create", map, `a=${a}`]))).toBe("exists");
    expect(Buffer.compare(await readFile(map), before)).toBe(0);
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("take a file whose name contains = if it comes with its folder", async () => {
    const odd = join(folder, "k=v.msglc");
    await writeFile(odd, encodeArchive(7));
    const out = join(folder, "out.msglc");
    await ok(["combine", out, odd, odd]);
    expect(await text(["cat", out])).toBe("[7,7]\n");
    await ok(["combine", out, `n=${odd}`]);
    expect(await text(["cat", out])).toBe('{"n":7}\n');
  });

  it("give a value a table of its own, and keep floats and order", async () => {
    const inner = new Map<unknown, unknown>([
      ["10", float64(1)],
      ["9", [float64(2), -0, 3]],
    ]);
    const records = Array.from({ length: 40 }, (_, i) => ({ energy: float64(i), n: i, text: "t".repeat(i) }));
    for (const codec of ["msgpack", "cbor"] as const) {
      const file = await archive(
        { inner, records, s: "x" },
        { codec, smallObjectThreshold: 128, trivialSize: 4 },
      );
      const wrapped = join(folder, "wrapped.msglc");
      // The outer archive has the other codec: the codec must be that of the innermost archive.
      await ok(["combine", "--codec", codec === "cbor" ? "msgpack" : "cbor", wrapped, `w=${file}`]);
      await writeFile(join(folder, "leaf.msglc"), encodeArchive([inner, 5], { codec }));
      await ok(["append", wrapped, `leaf=${join(folder, "leaf.msglc")}`]);
      const extract = (path: string): Promise<Buffer> =>
        ok(["extract", "--codec", codec, wrapped, path, "-"]);
      const expected: [string, unknown][] = [
        ["w/inner", inner],
        ["w/inner/9", [float64(2), -0, 3]],
        ["w/inner/10", float64(1)],
        ["w/records", records],
        ["w/records/-1", records.at(-1)],
        ["w/s", "x"],
        ["leaf/0", inner],
        ["leaf/0/9/0", float64(2)],
      ];
      for (const [path, value] of expected) {
        expect(Buffer.compare(await extract(path), encodeArchive(value, { codec })), path).toBe(0);
      }
      expect(Buffer.compare(await extract("w"), await readFile(file))).toBe(0);
      expect(Buffer.compare(await extract("leaf"), await readFile(join(folder, "leaf.msglc")))).toBe(0);
      expect(Buffer.compare(await extract(""), await readFile(wrapped))).toBe(0);
      const out = join(folder, "out.msglc");
      await ok(["extract", "--path-json", '["w","records",3]', wrapped, out]);
      expect(JSON.parse(await text(["cat", out]))).toEqual({ energy: 3, n: 3, text: "ttt" });
      // Without --codec, the codec is that of ARCHIVE.
      expect(JSON.parse(await text(["info", "--json", out]))).toMatchObject({
        codec: codec === "cbor" ? "msgpack" : "cbor",
      });
      expect(codeOf(await run(["extract", wrapped, "w/none", out]))).toBe("not-found");
      expect(codeOf(await run(["extract", wrapped, "w/records/0:2", out]))).toBe("bad-path");
    }
  });
});

describe("an output that is also an input", () => {
  it("is refused by write, combine and extract, under another name too", async () => {
    const file = await archive({ a: [1, 2, 3] });
    const linked = join(folder, "linked.msglc");
    const hard = join(folder, "hard.msglc");
    await symlink(file, linked);
    await link(file, hard);
    const before = await readFile(file);
    for (const out of [file, linked, hard, `${folder}/./${file.split("/").at(-1)}`]) {
      for (const argv of [
        ["write", file, out],
        ["combine", out, `x=${file}`],
        ["combine", out, `x=${await archive(1)}`, `y=${file}`],
        ["extract", file, "a", out],
        ["extract", file, "", out],
      ]) {
        const outcome = await run(argv);
        expect(codeOf(outcome), argv.join(" ")).toBe("unsupported-value");
        expect(outcome.stderr).toContain("is also the input");
      }
    }
    const s3 = await run(["extract", "s3://bucket/key", "a", "s3://bucket/key"]);
    expect(codeOf(s3)).toBe("unsupported-value");
    expect(Buffer.compare(await readFile(file), before)).toBe(0);
  });
});

describe("verify", () => {
  const value = new Map<unknown, unknown>([
    ["numbers", Array.from({ length: 60 }, (_, i) => i)],
    ["map", { text: "some text that is long", list: [1.5, [true, null]], more: "and more of it" }],
    [7, Uint8Array.of(1, 2, 3)],
    ["list", [["a list in a list", 1], "a text in the list"]],
  ]);

  it.each(["msgpack", "cbor"] as const)(
    "finds every change after which table and data differ, in %s",
    async (codec) => {
      const original = encodeArchive(value, { codec, smallObjectThreshold: 16, trivialSize: 3 });
      expect((await verifyArchive(await openArchive(original), [])).values).toBeGreaterThan(60);
      let passed = 0;
      let found = 0;
      for (let at = 30; at < original.length; at++) {
        for (const change of [1, 0x10, 0x80]) {
          const bytes = original.slice();
          bytes[at]! ^= change;
          try {
            await verifyArchive(await openArchive(bytes), []);
          } catch (error) {
            // Every other error is a defect.
            if (!isPeekpackError(error)) throw error;
            found++;
            continue;
          }
          passed++;
          // If it passes, reading through the table and decoding the data as a whole give the same.
          const archive = await openArchive(bytes, { maps: "map" });
          const whole = await archive.read();
          let walked = "";
          for await (const chunk of jsonText(await walk(archive), { tagged: true })) walked += chunk;
          expect(JSON.parse(walked)).toEqual(toTagged(whole));
        }
      }
      expect(passed).toBeGreaterThan(50);
      expect(found).toBeGreaterThan(300);
    },
  );

  /** Reads everything entry by entry. */
  async function walk(archive: Awaited<ReturnType<typeof openArchive>>): Promise<never> {
    const inner = async (handle: unknown): Promise<unknown> => {
      if (!(handle instanceof LazyMap || handle instanceof LazyList)) return handle;
      const entries: [unknown, unknown][] = [];
      for await (const [key, item] of handle.entries() as AsyncIterable<[unknown, unknown]>) {
        entries.push([key, await inner(item)]);
      }
      return handle instanceof LazyList ? entries.map(([, item]) => item) : new Map(entries);
    };
    return (await inner(await archive.get())) as never;
  }

  it("reports path and offset of the first fault", async () => {
    const records = Array.from({ length: 30 }, (_, i) => ({ id: i, name: `the name of record ${i}` }));
    const bytes = encodeArchive({ records }, { smallObjectThreshold: 16, trivialSize: 4 });
    const at = Buffer.from(bytes).indexOf("the name of record 17");
    bytes[at] = 0xff;
    const file = join(folder, "bad.msglc");
    await writeFile(file, bytes);
    const outcome = await run(["verify", file]);
    expect(codeOf(outcome)).toBe("corrupt");
    expect(outcome.stderr).toContain("records/17/name: ");
    expect(outcome.stderr).toMatch(/\(byte \d+\)/);
    expect(codeOf(await run(["verify", file, "records/17"]))).toBe("corrupt");
    expect(await text(["verify", file, "records/16"])).toMatch(/^ok: /);
    expect(await text(["verify", file, "records/0:5"])).toMatch(/^ok: /);
    const combined = join(folder, "combined.msglc");
    await ok(["combine", combined, `good=${await archive([1])}`, `bad=${file}`]);
    expect((await run(["verify", combined])).stderr).toContain("bad/records/17/name: ");
    expect(await text(["verify", combined, "good"])).toMatch(/^ok: /);
  });

  it("prints a JSON object with --json", async () => {
    const file = await archive({ a: [1, 2, 3], b: "x".repeat(100) }, { smallObjectThreshold: 4 });
    const ok = JSON.parse(await text(["verify", "--json", file])) as object;
    expect(ok).toMatchObject({ ok: true, archives: 1, values: expect.any(Number), pageIndexes: 0 });
    const bytes = await readFile(file);
    bytes[bytes.indexOf("xxx")] = 0xff;
    await writeFile(file, bytes);
    const outcome = await run(["verify", "--json", file]);
    expect(codeOf(outcome)).toBe("corrupt");
    expect(JSON.parse(outcome.stdout.toString())).toMatchObject({
      ok: false,
      code: "corrupt",
      path: ["b"],
      offset: expect.any(Number),
    });
  });

  it("finds a root that does not cover the data", async () => {
    const bytes = encodeArchive([1, 2, 3]);
    // The table is 81 a1 "p" 92 start end; the data becomes one byte longer than the root.
    const longer = Buffer.concat([bytes.subarray(0, 54), Buffer.of(0xc0), bytes.subarray(54)]);
    longer[39] = 5;
    await writeFile(join(folder, "x"), longer);
    expect((await run(["verify", join(folder, "x")])).stderr).toMatch(
      /^peekpack: corrupt: \S+: the root covers 0 to 4/,
    );
  });
});

describe("explore", () => {
  it("runs commands from a pipe", async () => {
    const file = await archive(
      { entries: [{ name: "first" }, { name: "second", "a/b": "y".repeat(40) }], n: 1 },
      { smallObjectThreshold: 8 },
    );
    const lines = [
      "pwd",
      "ls",
      "cd entries/1",
      "pwd",
      "cat name",
      "cat ../0",
      'cat ["a/b"]',
      "info",
      "cd ..",
      "pwd",
    ];
    const output = await text(
      ["explore", "--shell", file],
      [...lines, "cd", "pwd", "", "help", "exit", "nonsense"].join("\n"),
    );
    expect(output).toContain('["entries","1"]\n"second"\n{\n  "name": "first"\n}\n');
    expect(output).toMatch(/^\[\]\nlist +2 +\d+ {2}entries\nvalue +- +1 {2}n\n/);
    expect(output).toContain(`"${"y".repeat(40)}"\nkind        map\nitems       2\n`);
    expect(output).toContain('["entries"]\n[]\ncd [PATH]');
  });

  it("continues after a failed line, and ends with status 1", async () => {
    const file = await archive({ a: [1, 2] });
    const { status, stdout, stderr } = await run(
      ["explore", "--shell", file],
      "cd a/0\ncat none\nnonsense\ncat [\ncat a\n",
    );
    expect(status).toBe(1);
    expect(stdout.toString()).toBe("[\n  1,\n  2\n]\n");
    const codes = stderr
      .trimEnd()
      .split("\n")
      .map((line) => /^peekpack: ([a-z-]+): /.exec(line)?.[1]);
    expect(codes).toEqual(["bad-path", "not-found", "bad-path", "bad-path"]);
  });
});
