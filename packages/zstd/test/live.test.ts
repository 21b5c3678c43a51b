import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { encodeArchive, openArchive, writeArchive } from "@peekpack/core";
import { fileSink, fileSource } from "@peekpack/node-storage";
import { findOnPath } from "@peekpack/testing";
import { livePython, runPython, skippedAsAbsent } from "@peekpack/testing/python";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zstdSink, zstdSource } from "../src/index.js";
import { compressed, sample } from "./compressed.js";

const value = { entries: Object.values(sample(3000)) };
const archive = encodeArchive(value);
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-zstd-"));
});
afterAll(() => rm(directory, { recursive: true }));

const zstd = await findOnPath("zstd");
const withoutZstd = skippedAsAbsent("the zstd command", zstd === undefined ? "no zstd on PATH" : undefined);

describe.skipIf(withoutZstd)("the zstd command", () => {
  it.each([
    ["frames of 64 KiB", {}],
    ["frames without checksums", { checksum: false }],
    ["a table with a directory", { frameBytes: 1024, level: 1 }],
  ])("tests and decompresses %s to the archive, byte for byte", async (_, options) => {
    const bytes = encodeArchive(Array.from({ length: 18_000 }, (_, i) => `${i} ${"peek ".repeat(180)}`));
    const path = join(directory, "command.zst");
    await writeFile(path, await compressed(bytes, options));
    await promisify(execFile)(zstd!, ["-t", "-q", path]);
    const out = join(directory, "command.msglc");
    await promisify(execFile)(zstd!, ["-d", "-q", "-f", path, "-o", out]);
    expect(Buffer.compare(await readFile(out), bytes)).toBe(0);
  });
});

const live = await livePython();
const why = live.absent ?? (live.versions.pyzstd === undefined ? "pip cannot install pyzstd" : undefined);
const withoutPython = skippedAsAbsent("compressed archives read by pyzstd and msglc", why);

describe.skipIf(withoutPython)("pyzstd and the live msglc", () => {
  it("run the program of docs/compression.md: they read what peekpack wrote, and peekpack what they wrote", async () => {
    const guide = await readFile(new URL("../../../docs/compression.md", import.meta.url), "utf8");
    const program = /```python\n([^`]*)```/.exec(guide)![1]!;
    await writeArchive(zstdSink(fileSink(join(directory, "data.msglc.zst"))), value);
    await writeFile(join(directory, "plain.msglc"), archive);
    const printed = await runPython(`import os, sys\nos.chdir(sys.argv[1])\n${program}`, {
      args: [directory],
    });
    expect(printed.trim()).toBe("name 0");
    const theirs = await openArchive<unknown>(zstdSource(fileSource(join(directory, "python.msglc.zst"))));
    expect(await theirs.read("entries/2999/id")).toBe(2999);
    expect(await theirs.read()).toEqual(value);
    await theirs.close();
  });

  it("read everything, whole and by path, also through a directory", async () => {
    const path = join(directory, "small-frames.zst");
    const texts = Array.from({ length: 18_000 }, (_, i) => `${i} ${"peek ".repeat(180)}`);
    await writeArchive(zstdSink(fileSink(path), { frameBytes: 1024, level: 1 }), { texts });
    const program = `
import json, sys, msglc, pyzstd
with pyzstd.SeekableZstdFile(sys.argv[1], "rb") as file, msglc.LazyReader(file) as reader:
    whole = reader.to_obj()
    print(json.dumps([len(whole["texts"]), reader.read("texts/17999")[:5], whole["texts"][0][:6]]))
`;
    const printed = await runPython(program, { args: [path] });
    expect(JSON.parse(printed)).toEqual([18_000, "17999", "0 peek"]);
  });

  it("write frames of a gigabyte by default, which peekpack reads within its limit", async () => {
    const path = join(directory, "one-frame.zst");
    const program = `
import sys, pyzstd
with pyzstd.SeekableZstdFile(sys.argv[1], "wb") as file: file.write(sys.stdin.buffer.read())
`;
    await runPython(program, { args: [path], stdin: archive });
    const whole = await openArchive<unknown>(zstdSource(fileSource(path)));
    expect(await whole.read("entries/7/id")).toBe(7);
    await whole.close();
    const small = zstdSource(fileSource(path), { maxFrameBytes: 100_000 });
    await expect(openArchive(small)).rejects.toMatchObject({ code: "limit" });
    await small.close();
  });
});
