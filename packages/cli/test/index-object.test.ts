/** Page indexes of objects on S3, with the built command. */
import { encodeArchive, openArchive } from "@peekpack/core";
import { type S3Store, s3Store, type UploadTarget } from "@peekpack/s3";
import { freshBucket, type S3Server, startS3 } from "@peekpack/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { indexObject } from "../src/index-object.js";
import { type BuiltCommand, builtCommand, s3Environment } from "./built-command.js";

const COUNT = 20_000;
const large = encodeArchive(
  Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`key-${i}`, `${i} `.repeat(60)])),
  { smallObjectThreshold: 1, trivialSize: 0, pageIndex: false },
);
const small = encodeArchive(
  Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`key-${i}`, `value ${i}`])),
  { smallObjectThreshold: 1, trivialSize: 0, pageIndex: false },
);

let built: BuiltCommand;
let server: S3Server;
let store: S3Store;
let bucket = "";
let env: NodeJS.ProcessEnv = {};
beforeAll(async () => {
  built = await builtCommand();
  server = await startS3({ require: "stand-in" });
  bucket = await freshBucket(server);
  store = s3Store({ ...server, writer: "fetch" });
  env = s3Environment(server);
});
afterAll(async () => {
  await server.close();
  await built.remove();
});

async function put(key: string, bytes: Uint8Array): Promise<string> {
  await store.target(`${bucket}/${key}`).putObject(bytes);
  return `s3://${bucket}/${key}`;
}

async function bytesOf(key: string): Promise<Buffer> {
  const source = store.source(`${bucket}/${key}`);
  const { size } = await source.probe({ head: 1, tail: 0 });
  return Buffer.from((await source.read([{ start: 0, end: size }]))[0]!);
}

describe("index of an object on S3", () => {
  it.each([
    ["large.msglc", large],
    ["small.msglc", small],
  ])("adds the index in place, and does not change the archive (%s)", async (key, archive) => {
    const place = await put(key, archive);
    const told = await built.output(["index", place], { env });
    expect(told).toMatch(/^page index: \d+ bytes, \d+ pages\n$/);
    const indexed = await bytesOf(key);
    expect(Buffer.compare(indexed.subarray(0, archive.length), archive)).toBe(0);
    expect(indexed.length).toBe(archive.length + Number(/\d+/.exec(told)![0]));
    const opened = await openArchive(store.source(`${bucket}/${key}`), { tailBytes: 0 });
    expect(await opened.read("key-77")).toMatch(/77/);
    expect(opened.info.pageIndex.state).toBe("used");
    await opened.close();
    expect(await built.output(["verify", place], { env })).toMatch(/^ok: /);
    // Once more: the index is replaced by the same one.
    await built.output(["index", place], { env });
    expect(Buffer.compare(await bytesOf(key), indexed)).toBe(0);
    expect(await store.sweep(bucket, { olderThan: 0, dryRun: true, others: true })).toEqual([]);
  });

  it("lets the server copy the archive", async () => {
    await put("copied.msglc", large);
    let uploaded = 0;
    const target = (etag: string): UploadTarget => {
      const inner = store.target(`${bucket}/copied.msglc`, { put: { ifMatch: etag } });
      return {
        ...inner,
        uploadPart(upload, number, body, options) {
          uploaded += body.length;
          return inner.uploadPart(upload, number, body, options);
        },
      };
    };
    const source = store.source(`${bucket}/copied.msglc`);
    const { bytes } = await indexObject(
      { name: "x", bucket, key: "copied.msglc", source, target },
      {},
      () => {},
    );
    expect(uploaded).toBe(bytes.length);
  });

  it("loses nothing that another writer puts there meanwhile", async () => {
    await put("raced.msglc", large);
    const target = (etag: string): UploadTarget => {
      const inner = store.target(`${bucket}/raced.msglc`, { put: { ifMatch: etag } });
      return {
        ...inner,
        async uploadPart(upload, number, body, options) {
          await put("raced.msglc", small);
          return inner.uploadPart(upload, number, body, options);
        },
      };
    };
    const source = store.source(`${bucket}/raced.msglc`);
    const work = indexObject({ name: "x", bucket, key: "raced.msglc", source, target }, {}, () => {});
    await expect(work).rejects.toMatchObject({ code: "changed" });
    expect(Buffer.compare(await bytesOf("raced.msglc"), small)).toBe(0);
    expect(await store.sweep(bucket, { olderThan: 0, dryRun: true, others: true })).toEqual([]);
  });

  it("advises --sidecar if the server copies no parts, and leaves no upload behind", async () => {
    await put("uncopied.msglc", large);
    const target = (etag: string): UploadTarget => {
      const { copyPart: _, ...inner } = store.target(`${bucket}/uncopied.msglc`, { put: { ifMatch: etag } });
      return inner;
    };
    const source = store.source(`${bucket}/uncopied.msglc`);
    const work = indexObject({ name: "x", bucket, key: "uncopied.msglc", source, target }, {}, () => {});
    await expect(work).rejects.toThrow("--sidecar");
    expect(await store.sweep(bucket, { olderThan: 0, dryRun: true, others: true })).toEqual([]);
  });

  it("refuses an object with other bytes after the archive", async () => {
    const place = await put("other.msglc", Buffer.concat([small, Buffer.from("something else ".repeat(9))]));
    const { status, stderr } = await built.run(["index", place], { env });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^peekpack: unsupported-value: [^\n]*--sidecar\n$/);
  });
});
