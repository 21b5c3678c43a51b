import { describe, expect, it } from "vitest";
import type { ObjectOperations, PartsPage } from "../src/object-operations.js";
import { objectTarget } from "../src/object-target.js";
import { s3Error } from "../src/s3-error.js";

const fail = (status: number, s3Code?: string): never => {
  throw s3Error({ status, s3Code }, { action: "test", label: "fake" });
};

/** A target over these operations; the others fail. Records its calls. */
function targetOf(operations: Partial<ObjectOperations>) {
  const calls: string[] = [];
  const unused = async (): Promise<never> => fail(501);
  const target = objectTarget(
    {
      label: "fake",
      put: unused,
      uploadPart: unused,
      complete: unused,
      head: unused,
      create: unused,
      ...operations,
      async abort(upload, options) {
        calls.push(`abort ${upload.id}`);
        await operations.abort?.(upload, options);
      },
      async listParts(upload, after, options) {
        calls.push(`list ${upload.id}`);
        return operations.listParts!(upload, after, options);
      },
    },
    { retry: { attempts: 2, baseMs: 1 } },
  );
  return { target, calls };
}

describe("cancelling the beginning of an upload", () => {
  it("waits for the upload's id and aborts the upload", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    let respond = (_: string): void => {};
    const { target, calls } = targetOf({
      create: () =>
        new Promise((resolve) => {
          respond = resolve;
        }),
      listParts: async () => fail(404, "NoSuchUpload"),
    });
    const created = target.createUpload({ signal: controller.signal });
    await Promise.resolve();
    controller.abort(reason);
    respond("late");
    await expect(created).rejects.toBe(reason);
    expect(calls).toEqual(["abort late", "list late"]);
  });

  it("ends the request if its response does not arrive soon", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    let ended = false;
    const { target, calls } = targetOf({
      create: ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener("abort", () => {
            ended = true;
            reject(signal.reason);
          });
        }),
    });
    const created = target.createUpload({ signal: controller.signal });
    controller.abort(reason);
    await expect(created).rejects.toBe(reason);
    expect({ ended, calls }).toEqual({ ended: true, calls: [] });
  });

  it("sends nothing if the signal has aborted before", async () => {
    const reason = new Error("enough");
    let created = 0;
    const { target } = targetOf({ create: async () => `${++created}` });
    await expect(target.createUpload({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(created).toBe(0);
  });
});

describe("aborting an upload", () => {
  const upload = { id: "1", crc32: false };
  const part = { number: 1, size: 1, etag: '"1"' };

  it("succeeds if the server then lists no parts, and denies further requests", async () => {
    let aborts = 0;
    const { target } = targetOf({
      abort: async () => {
        if (++aborts > 1) fail(403, "AccessDenied");
      },
      listParts: async (): Promise<PartsPage> => ({ parts: [] }),
    });
    await target.abortUpload(upload);
    expect(aborts).toBe(1);
  });

  it("succeeds if the identity may not list parts", async () => {
    const { target } = targetOf({ listParts: async () => fail(403, "AccessDenied") });
    await target.abortUpload(upload);
  });

  it("aborts again if a late part has recreated the upload", async () => {
    const lists: PartsPage[] = [{ parts: [part] }, { parts: [part] }, { parts: [] }];
    const { target, calls } = targetOf({ listParts: async () => lists.shift()! });
    await target.abortUpload(upload);
    expect(calls.filter((call) => call === "abort 1")).toHaveLength(3);
  });

  it("rejects if the server refuses to abort", async () => {
    const { target } = targetOf({ abort: async () => fail(405, "MethodNotAllowed") });
    await expect(target.abortUpload(upload)).rejects.toMatchObject({ code: "denied", status: 405 });
  });

  it("rejects if the server denies to abort an upload that has parts again", async () => {
    let aborts = 0;
    const { target } = targetOf({
      abort: async () => {
        if (++aborts > 1) fail(403, "AccessDenied");
      },
      listParts: async () => ({ parts: [part] }),
    });
    await expect(target.abortUpload(upload)).rejects.toMatchObject({ code: "denied" });
  });
});
