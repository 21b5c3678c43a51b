import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { encodeArchive, listOf, openArchive, writeArchive } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import { childProgram } from "@peekpack/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fileSink, fileSource, spoolSink } from "../src/index.js";

const MiB = 1024 * 1024;
const texts = Array.from({ length: 150_000 }, (_, i) => `text ${i} `.padEnd(60, "x"));
const options = { smallObjectThreshold: 64 };
const expected = encodeArchive(texts, options);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-table-"));
});
afterAll(() => rm(directory, { recursive: true }));

it("writes the same archive if its table exceeds memory", async () => {
  const file = join(directory, "archive");
  await writeArchive(fileSink(file), listOf(texts), options);
  expect(Buffer.compare(await readFile(file), expected)).toBe(0);
  expect(await readdir(directory)).toEqual(["archive"]);
  await rm(file);
});

it("uploads the same archive through a spool, and leaves nothing", async () => {
  let uploaded = new Uint8Array(0);
  const target = {
    label: "https://example.org/archive",
    put: "overwrite",
    putObject: async (body: Uint8Array) => {
      uploaded = body.slice();
      return { size: body.length };
    },
  } as unknown as UploadTarget;
  const spool = join(directory, "spool");
  const threshold = 2 * expected.length;
  await writeArchive(spoolSink(target, { directory: spool, threshold }), listOf(texts), options);
  expect(Buffer.compare(uploaded, expected)).toBe(0);
  expect(await readdir(spool)).toEqual([]);
});

it("leaves no file if the write fails", async () => {
  const failing = [...texts, () => 1];
  const sink = fileSink(join(directory, "failed"));
  await expect(writeArchive(sink, listOf(failing, { count: failing.length }), options)).rejects.toMatchObject(
    {
      code: "unsupported-value",
    },
  );
  expect((await readdir(directory)).filter((name) => name.includes("failed"))).toEqual([]);
});

it("streams five million entries to a file in less than 300 MiB of memory", async (test) => {
  const count = 5_000_000;
  const file = join(directory, "large");
  const program = await childProgram(new URL("table-writer.ts", import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      program.path,
      JSON.stringify({ file, count }),
    ]);
    const archive = await openArchive(fileSource(file));
    expect(await archive.read(`entry ${count - 1}/value`)).toBe(count - 1);
    await archive.close();
    const { peak } = JSON.parse(stdout) as { peak?: number };
    if (peak === undefined) test.skip("this system does not report the memory of a process");
    expect(peak).toBeLessThan(300 * MiB);
  } finally {
    await program.remove();
    await rm(file, { force: true });
  }
}, 180_000);
