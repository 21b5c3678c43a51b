/** Responses of servers that were killed while they completed an upload. */
import { PeekpackError } from "@peekpack/core";
import { describe, expect, it } from "vitest";
import { putEtag } from "../src/etag.js";
import type { PutMode } from "../src/index.js";
import { type StoredObject, type UploadState, uploadContent } from "../src/internal.js";
import type { ObjectOperations } from "../src/object-operations.js";
import { objectTarget } from "../src/object-target.js";
import { s3Error } from "../src/s3-error.js";
import { noise } from "./live-servers.js";

const MiB = 2 ** 20;
const bytes = noise(6 * MiB);
const content = { size: bytes.length, read: async (start: number, end: number) => bytes.slice(start, end) };
const other: StoredObject = { size: 3, etag: '"00000000000000000000000000000000"' };

/** A server with one object. `first` decides what completing its first upload does. */
function server(
  first: (attempt: number) => "done" | "cut off" | "in trouble" | "said to be done" | "no such key",
  put?: PutMode,
) {
  const requests: string[] = [];
  let object = other;
  let uploads = 0;
  let attempts = 0;
  const fail = (failure: { status?: number; s3Code?: string }, action: string): never => {
    throw s3Error(failure, { action, label: "fake" });
  };
  const operations: ObjectOperations = {
    label: "fake",
    put: async () => fail({ status: 501 }, "put"),
    create: async () => {
      requests.push("create");
      return `upload ${++uploads}`;
    },
    async uploadPart({ id }, number, body) {
      requests.push(`${id}: part ${number}`);
      return putEtag(body);
    },
    listParts: async () => fail({ status: 404, s3Code: "NoSuchUpload" }, "list"),
    async complete({ id }, parts) {
      const what = id === "upload 1" ? first(++attempts) : "done";
      requests.push(`${id}: ${what}`);
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      const etag = `"made of ${id}"`;
      if (what === "cut off") fail({}, "complete");
      if (what === "in trouble") fail({ status: 500, s3Code: "InternalError" }, "complete");
      if (what === "no such key")
        throw s3Error({ status: 404, s3Code: "NoSuchKey" }, { action: what, label: "fake", put });
      if (what === "done") object = { size, etag };
      return { etag };
    },
    async abort({ id }) {
      requests.push(`${id}: abort`);
    },
    head: async () => object,
  };
  const target = objectTarget(operations, { put, retry: { attempts: 3, baseMs: 1 } });
  return { target, requests, object: () => object };
}
const options = { partSize: 5 * MiB, threshold: 0, concurrency: 1 };
const made = { size: bytes.length, etag: '"made of upload 2"' };

describe("an upload that a server was completing when it was killed", () => {
  it("is looked up before it counts as complete", async () => {
    const { target, requests, object } = server((attempt) => (attempt === 1 ? "cut off" : "said to be done"));
    expect(await uploadContent(target, content, options)).toEqual(made);
    expect(object()).toEqual(made);
    expect(requests.filter((request) => request.startsWith("upload 1"))).toEqual([
      "upload 1: part 1",
      "upload 1: part 2",
      "upload 1: cut off",
      "upload 1: said to be done",
      "upload 1: abort",
    ]);
  });

  it("rejects with not-found if it cannot begin again", async () => {
    const { target } = server((attempt) => (attempt === 1 ? "cut off" : "said to be done"));
    const upload = await target.createUpload();
    const parts = [await target.uploadPart(upload, 1, bytes)];
    await expect(target.completeUpload(upload, parts)).rejects.toMatchObject({ code: "not-found" });
  });

  it("is complete if the second attempt completes it", async () => {
    const { target, requests } = server((attempt) => (attempt === 1 ? "cut off" : "done"));
    expect(await uploadContent(target, content, options)).toMatchObject({ etag: '"made of upload 1"' });
    expect(requests.filter((request) => request === "create")).toHaveLength(1);
  });

  it("begins again if the server lost it, and rejects with `changed` only if the object changed", async () => {
    const lost = (attempt: number) => (attempt === 1 ? ("cut off" as const) : ("no such key" as const));
    const { target, object } = server(lost, { ifMatch: other.etag! });
    expect(await uploadContent(target, content, options)).toEqual(made);
    expect(object()).toEqual(made);
    const changed = server(lost, { ifMatch: '"11111111111111111111111111111111"' });
    await expect(uploadContent(changed.target, content, options)).rejects.toMatchObject({ code: "changed" });
    expect(changed.object()).toEqual(other);
  });

  const left: UploadState = { upload: { id: "upload 1", crc32: false }, partSize: 5 * MiB, parts: [] };
  const survives = (target: ReturnType<typeof server>["target"]) => ({
    ...target,
    listParts: async () => [],
  });

  it("begins again if it is resumed and cannot be completed", async () => {
    const { target, requests, object } = server(() => "in trouble");
    await target.createUpload();
    const resumed = uploadContent(survives(target), content, { ...options, resume: left, again: true });
    expect(await resumed).toEqual(made);
    expect(object()).toEqual(made);
    expect(requests.filter((request) => request === "upload 1: in trouble")).toHaveLength(3);
    expect(requests).toContain("upload 1: abort");
  });

  it("is kept if it is resumed and the server is unreachable", async () => {
    const { target, requests } = server(() => "cut off");
    await target.createUpload();
    const resumed = uploadContent(survives(target), content, { ...options, resume: left, keepParts: true });
    await expect(resumed).rejects.toBeInstanceOf(PeekpackError);
    expect(requests).not.toContain("upload 1: abort");
  });
});
