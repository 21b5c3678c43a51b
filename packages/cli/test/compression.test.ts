import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeArchive } from "@peekpack/core";
import { freshBucket, startS3 } from "@peekpack/testing";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { s3Environment } from "./built-command.js";
import { codeOf, ok, run } from "./run.js";

const value = { entries: Array.from({ length: 3000 }, (_, id) => ({ id, text: `text ${id} `.repeat(20) })) };
let directory: string;
let plain: string;
let packed: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-cli-zstd-"));
  plain = join(directory, "plain.msglc");
  packed = join(directory, "packed.msglc.zst");
  await writeFile(plain, encodeArchive(value));
  await ok(["compress", plain, packed]);
});
afterAll(() => rm(directory, { recursive: true }));

it("compress makes a smaller file, and decompress gives back the archive byte for byte", async () => {
  expect((await stat(packed)).size).toBeLessThan((await stat(plain)).size / 4);
  const back = join(directory, "back.msglc");
  await ok(["decompress", packed, back]);
  expect(Buffer.compare(await readFile(back), await readFile(plain))).toBe(0);
});

it("commands read a compressed archive by themselves, and info shows both sizes", async () => {
  expect(JSON.parse((await ok(["cat", packed, "entries/2999/id"])).toString())).toBe(2999);
  expect((await ok(["ls", packed])).toString()).toBe((await ok(["ls", plain])).toString());
  expect((await ok(["verify", packed])).length).toBeGreaterThan(0);
  const info = JSON.parse((await ok(["info", "--json", packed])).toString());
  expect(info).toMatchObject({ size: (await stat(plain)).size, compressed: (await stat(packed)).size });
  expect(JSON.parse((await ok(["info", "--json", plain])).toString())).not.toHaveProperty("compressed");
  const out = join(directory, "extracted");
  await ok(["extract", packed, "entries/17", out]);
  expect(JSON.parse((await ok(["cat", out])).toString())).toEqual(value.entries[17]);
});

it("write --zstd compresses, with or without a level, and writes a page index", async () => {
  const json = join(directory, "data.json");
  await writeFile(json, JSON.stringify(value));
  const sizes: number[] = [];
  for (const option of ["--zstd", "--zstd=1", "--zstd=19"]) {
    const out = join(directory, `written${option}`);
    await ok(["write", option, "--threshold", "64", json, out]);
    expect(JSON.parse((await ok(["cat", out])).toString())).toEqual(value);
    const info = JSON.parse((await ok(["info", "--json", out])).toString());
    expect(info.compressed).toBe((await stat(out)).size);
    sizes.push(info.compressed);
    const content = join(directory, "content");
    await ok(["decompress", out, content]);
    expect(
      Buffer.from(await readFile(content))
        .subarray(-64)
        .toString("latin1"),
    ).toContain("PEEKPGIX");
  }
  expect(sizes[2]).toBeLessThan(sizes[1]!);
});

it("rejects a level that does not exist as wrong usage", async () => {
  for (const option of ["--zstd=0", "--zstd=23", "--zstd=fast"]) {
    expect((await run(["compress", option, plain, join(directory, "never")])).status).toBe(2);
  }
  await expect(stat(join(directory, "never"))).rejects.toMatchObject({ code: "ENOENT" });
});

it("rejects files that are not archives, or not compressed, with not-an-archive, and writes nothing", async () => {
  const text = join(directory, "text");
  await writeFile(text, "not an archive, but a text that is longer than the header of one");
  const out = join(directory, "never");
  expect(codeOf(await run(["compress", text, out]))).toBe("not-an-archive");
  expect(codeOf(await run(["decompress", plain, out]))).toBe("not-an-archive");
  expect(codeOf(await run(["cat", text]))).toBe("not-an-archive");
  expect(codeOf(await run(["compress", packed, out]))).toBe("not-an-archive");
  await expect(stat(out)).rejects.toMatchObject({ code: "ENOENT" });
});

it("names a damaged frame", async () => {
  const damaged = join(directory, "damaged");
  const bytes = await readFile(packed);
  bytes[3000]! ^= 255;
  await writeFile(damaged, bytes);
  expect(codeOf(await run(["cat", damaged]))).toBe("corrupt");
  expect(codeOf(await run(["decompress", damaged, join(directory, "never")]))).toBe("corrupt");
});

it("combine and append take compressed files by themselves, and keep a compressed archive compressed", async () => {
  const all = join(directory, "all.msglc.zst");
  await ok(["combine", all, `a=${packed}`, `b=${plain}`]);
  expect((await stat(all)).size).toBeLessThan((await stat(plain)).size / 2);
  await ok(["append", all, `c=${packed}`]);
  for (const name of ["a", "b", "c"]) {
    expect(JSON.parse((await ok(["cat", all, `${name}/entries/2999/id`])).toString())).toBe(2999);
  }
  expect(JSON.parse((await ok(["info", "--json", all])).toString())).toHaveProperty("compressed");
  const raw = join(directory, "raw.msglc");
  await ok(["combine", raw, `b=${plain}`]);
  await ok(["append", raw, `c=${packed}`]);
  expect(JSON.parse((await ok(["info", "--json", raw])).toString())).not.toHaveProperty("compressed");
  expect(JSON.parse((await ok(["cat", raw, "c/entries/17/id"])).toString())).toBe(17);
});

it("combine and append let an S3 server copy the frames of compressed archives", async () => {
  const server = await startS3({ require: "stand-in" });
  try {
    const bucket = `s3://${await freshBucket(server, "cli-frames")}`;
    for (const [name, text] of Object.entries(s3Environment(server))) vi.stubEnv(name, text);
    await ok(["compress", plain, `${bucket}/a.zst`]);
    await ok(["combine", `${bucket}/all.zst`, `a=${bucket}/a.zst`, `b=${bucket}/a.zst`]);
    await ok(["append", `${bucket}/all.zst`, `c=${bucket}/a.zst`]);
    for (const name of ["a", "b", "c"]) {
      expect(JSON.parse((await ok(["cat", `${bucket}/all.zst`, `${name}/entries/2999/id`])).toString())).toBe(
        2999,
      );
    }
    const info = JSON.parse((await ok(["info", "--json", `${bucket}/all.zst`])).toString());
    expect(info.compressed).toBeLessThan(info.size / 4);
  } finally {
    vi.unstubAllEnvs();
    await server.close();
  }
});
