import { httpSource, openArchive, writeArchive } from "@peekpack/core";
import { spoolSink } from "@peekpack/node-storage";
import { type S3Store, s3Store } from "@peekpack/s3";
import { freshBucket, type S3Server, startS3 } from "@peekpack/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zstdSink, zstdSource } from "../src/index.js";
import { sample } from "./compressed.js";

describe("compressed archives on S3", () => {
  let server: S3Server;
  let store: S3Store;
  let bucket: string;
  const value = sample(5000);
  beforeAll(async () => {
    server = await startS3({ require: "stand-in" });
    bucket = await freshBucket(server, "zstd");
    store = s3Store(server);
  });
  afterAll(() => server.close());

  it("are uploaded while they are produced, and read by ranges", async () => {
    const path = `${bucket}/direct`;
    const result = await writeArchive(zstdSink(store.sink(path, { put: "create" })), value);
    const archive = await openArchive<unknown>(zstdSource(store.source(path)));
    expect(result.size).toBe(archive.info.size);
    expect(archive.info.version).toBe(result.version);
    expect(await archive.read("entry 4321")).toEqual(value["entry 4321"]);
    expect(await archive.read()).toEqual(value);
    await expect(writeArchive(zstdSink(store.sink(path, { put: "create" })), value)).rejects.toMatchObject({
      code: "exists",
    });
  });

  it("are uploaded in parts", async () => {
    const path = `${bucket}/parts`;
    // Hardly compressible, so that there are several parts.
    const numbers = Array.from({ length: 1_500_000 }, (_, i) => Math.sin(i));
    const sink = zstdSink(store.sink(path, { partSize: 5 * 2 ** 20 }), { level: 1 });
    await writeArchive(sink, numbers);
    const archive = await openArchive<unknown>(zstdSource(store.source(path)));
    expect(await archive.read("1234567")).toBe(Math.sin(1_234_567));
  });

  it("are spooled, then uploaded", async () => {
    const path = `${bucket}/spooled`;
    await writeArchive(zstdSink(spoolSink(store.target(path))), value);
    const archive = await openArchive<unknown>(zstdSource(store.source(path)));
    expect(await archive.read("entry 1/name")).toBe("name 919");
  });

  it("are read through presigned URLs", async () => {
    const path = `${bucket}/presigned`;
    await writeArchive(zstdSink(store.sink(path)), value);
    const url = await store.presign(path, { expiresIn: 60 });
    const archive = await openArchive<unknown>(zstdSource(httpSource(url)));
    expect(await archive.read("entry 1/name")).toBe("name 919");
  });

  it("become children of an archive that is not compressed, with their content", async () => {
    const path = `${bucket}/child`;
    await writeArchive(zstdSink(store.sink(path)), value);
    await store.combine(`${bucket}/combined`, [{ name: "child", source: zstdSource(store.source(path)) }]);
    const archive = await openArchive<unknown>(store.source(`${bucket}/combined`));
    expect(await archive.read("child/entry 1/name")).toBe("name 919");
  });

  it("leave nothing behind if the write fails", async () => {
    const path = `${bucket}/failing`;
    const wrong = new Error("no more");
    async function* rows(): AsyncGenerator<unknown> {
      for (let i = 0; i < 50; i++) yield sample(100);
      throw wrong;
    }
    await expect(writeArchive(zstdSink(store.sink(path)), rows())).rejects.toBe(wrong);
    await expect(openArchive(store.source(path))).rejects.toMatchObject({ code: "not-found" });
  });
});
