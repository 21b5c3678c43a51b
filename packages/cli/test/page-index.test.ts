/** Page indexes through the command line. */
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesSource, encodeArchive, openArchive } from "@peekpack/core";
import { slowSource } from "@peekpack/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codeOf, ok, run } from "./run.js";

const COUNT = 20_000;
const value = Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`key-${i}`, `value ${i}`]));
const plain = encodeArchive(value, { smallObjectThreshold: 1, trivialSize: 0, pageIndex: false });

let folder = "";
let file = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "peekpack-cli-"));
  file = join(folder, "data.msglc");
  await writeFile(file, plain);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = async (argv: readonly string[], input = ""): Promise<string> =>
  (await ok(argv, input)).toString();

/** Whether values are found through a page index when the archive is remote. */
async function isIndexed(bytes: Uint8Array): Promise<boolean> {
  const source = slowSource(bytesSource(bytes), { latencyMs: 0 });
  const archive = await openArchive(source, { tailBytes: 0 });
  expect(await archive.read(`key-${COUNT - 1}`)).toBe(`value ${COUNT - 1}`);
  await archive.close();
  return archive.info.pageIndex.state === "used";
}

describe("index", () => {
  it("appends the index to a file, and does not change the archive", async () => {
    expect(await isIndexed(plain)).toBe(false);
    expect(await text(["index", file])).toMatch(/^page index: \d+ bytes, \d+ pages\n$/);
    const indexed = await readFile(file);
    expect(Buffer.compare(indexed.subarray(0, plain.length), plain)).toBe(0);
    expect(await isIndexed(indexed)).toBe(true);
    expect(await text(["cat", file, "key-77"])).toBe('"value 77"\n');
    const verified = JSON.parse(await text(["verify", "--json", file])) as object;
    expect(verified).toMatchObject({ ok: true, values: COUNT, pageIndexes: 1 });
    // Once more: the index is replaced by the same one.
    await ok(["index", file]);
    expect(Buffer.compare(await readFile(file), indexed)).toBe(0);
    // An incomplete index is replaced, and does no harm.
    await truncate(file, plain.length + 1000);
    expect(await text(["cat", file, "key-77"])).toBe('"value 77"\n');
  });

  it("finds a page index that differs from the table", async () => {
    await ok(["index", file]);
    const bytes = await readFile(file);
    bytes[plain.length + 200]! ^= 1;
    await writeFile(file, bytes);
    expect(codeOf(await run(["verify", file]))).toBe("corrupt");
  });

  it("indexes an archive at an offset", async () => {
    await writeFile(file, Buffer.concat([Buffer.alloc(7), plain]));
    await ok(["index", "--offset", "7", file]);
    const bytes = await readFile(file);
    expect(await isIndexed(bytes.subarray(7))).toBe(true);
    expect(bytes.subarray(0, 7).every((byte) => byte === 0)).toBe(true);
  });

  it("leaves a file alone if other bytes follow the archive, or if it cannot be indexed", async () => {
    const longer = Buffer.concat([plain, Buffer.from("something else, longer than a footer ".repeat(4))]);
    await writeFile(file, longer);
    const outcome = await run(["index", file]);
    expect(codeOf(outcome)).toBe("unsupported-value");
    expect(outcome.stderr).toContain("--sidecar");
    expect(Buffer.compare(await readFile(file), longer)).toBe(0);
    const small = join(folder, "small.msglc");
    await writeFile(small, encodeArchive({ a: 1 }));
    expect(codeOf(await run(["index", small]))).toBe("unsupported-value");
    expect(Buffer.compare(await readFile(small), encodeArchive({ a: 1 }))).toBe(0);
    expect(codeOf(await run(["index", join(folder, "none")]))).toBe("not-found");
    await writeFile(file, "no archive at all ".repeat(10));
    expect(codeOf(await run(["index", file]))).toBe("not-an-archive");
    expect((await run(["index", "https://example.org/x"])).status).toBe(2);
  });

  it("writes a sidecar, through which values are read", async () => {
    const sidecar = join(folder, "data.index");
    await ok(["index", "--sidecar", sidecar, file]);
    expect(Buffer.compare(await readFile(file), plain)).toBe(0);
    expect(Buffer.compare(await ok(["index", "--sidecar", "-", file]), await readFile(sidecar))).toBe(0);
    expect(codeOf(await run(["index", "--sidecar", sidecar, "--put", "create", file]))).toBe("exists");
    expect(codeOf(await run(["index", "--sidecar", file, file]))).toBe("unsupported-value");
    const { size } = await import("node:fs").then(({ statSync }) => statSync(sidecar));
    const through = ["--page-index-file", sidecar];
    expect(JSON.parse(await text(["info", "--json", ...through, file]))).toMatchObject({ pageIndex: size });
    expect(await text(["cat", ...through, file, "key-19999"])).toBe('"value 19999"\n');
    expect((await text(["ls", ...through, file])).split("\n")).toHaveLength(COUNT + 1);

    const requests: string[] = [];
    const server = createServer((request, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
      const start = Number(from ?? 0);
      const end = Math.min(to ? Number(to) + 1 : plain.length, plain.length);
      requests.push(`${start}-${end}`);
      response.writeHead(206, {
        "Content-Range": `bytes ${start}-${end - 1}/${plain.length}`,
        "Content-Length": end - start,
        ETag: '"1"',
      });
      response.end(plain.subarray(start, end));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data.msglc`;
      expect(await text(["cat", ...through, url, "key-9"])).toBe('"value 9"\n');
      expect(await text(["info", url])).toContain("tocBytes");
    } finally {
      server.closeAllConnections();
      server.close();
    }
    expect(requests.length).toBeGreaterThan(0);
  });
});

describe("--page-index", () => {
  it("decides whether write, combine and append add an index", async () => {
    const json = join(folder, "data.json");
    await writeFile(json, JSON.stringify(value));
    const options = ["--threshold", "1", "--trivial", "0"];
    for (const [word, indexed] of [
      ["true", true],
      ["false", false],
      ["auto", false],
    ] as const) {
      await ok(["write", ...options, "--page-index", word, json, file]);
      expect(await isIndexed(await readFile(file)), word).toBe(indexed);
    }
    const children = await Promise.all(
      Array.from({ length: 2500 }, async (_, i) => {
        const child = join(folder, `child-${i}`);
        await writeFile(child, encodeArchive(i));
        return `c${i}=${child}`;
      }),
    );
    const all = join(folder, "all.msglc");
    const size = async (...argv: string[]): Promise<number> => {
      await ok(argv);
      return (await readFile(all)).length;
    };
    const without = await size("combine", "--page-index", "false", all, ...children);
    expect(await size("combine", "--page-index", "true", all, ...children)).toBeGreaterThan(without);
    const last = join(folder, "last");
    await copyFile(join(folder, "child-1"), last);
    const appended = await size("append", "--page-index", "true", all, `last=${last}`);
    await ok(["combine", "--page-index", "false", all, ...children]);
    expect(await size("append", "--page-index", "false", all, `last=${last}`)).toBeLessThan(appended);
    expect((await run(["write", "--page-index", "maybe", json, file])).status).toBe(2);
  });
});
