import { afterEach, describe, expect, it, vi } from "vitest";
import { type S3Store, s3Store } from "../src/index.js";

const credentials = { accessKeyId: "id", secretAccessKey: "secret" };

/** A store whose server accepts every request. */
const storeOf = (writer: "sdk" | "fetch") =>
  s3Store({
    endpoint: "http://127.0.0.1:9",
    credentials,
    writer,
    retry: { attempts: 1 },
    fetch: async ({ method }) =>
      method === "HEAD"
        ? new Response(null, { headers: { etag: '"1"', "content-length": "0" } })
        : new Response("<ListBucketResult><UploadId>1</UploadId></ListBucketResult>", {
            headers: { etag: '"1"' },
          }),
  });

const put = (store: S3Store) => store.target("bucket/key").putObject(new Uint8Array(1));

/** Each feature whose code is loaded at its first use, and a call that needs it. */
const features: Record<string, readonly [module: string, use: (store: S3Store) => Promise<unknown>]> = {
  "a target": ["../src/store-writer.js", put],
  "a sink": ["../src/store-writer.js", (store) => store.sink("bucket/key").finish(new Uint8Array(50))],
  "the AWS SDK": ["@aws-sdk/client-s3", put],
  "fetch of the AWS SDK": ["@smithy/fetch-http-handler", put],
  combining: ["../src/server-combine.js", (store) => store.combine("bucket/key", [{ value: 1 }])],
  listing: ["../src/store-objects.js", (store) => store.list("bucket").toArray()],
  deleting: ["../src/store-objects.js", async (store) => (await store.delete("bucket/key")) ?? "deleted"],
  copying: ["../src/copy-object.js", (store) => store.copy("bucket/a", "bucket/b", { put: "overwrite" })],
  sweeping: ["../src/sweep.js", (store) => store.sweep("bucket", { olderThan: 0 })],
  capabilities: ["../src/capabilities.js", (store) => store.capabilities("bucket")],
};

describe("code that cannot be loaded", () => {
  afterEach(() => {
    vi.resetModules();
    vi.unstubAllGlobals();
  });

  it.each(Object.entries(features))(
    "rejects with `network` for %s, and is loaded by the next call",
    async (name, [module, use]) => {
      const store = storeOf(/AWS/.test(name) ? "sdk" : "fetch");
      vi.doMock(module, () => {
        throw new Error("Failed to fetch dynamically imported module: https://page.example/chunk.js");
      });
      try {
        await expect(use(store)).rejects.toMatchObject({
          name: "PeekpackError",
          code: "network",
          message: expect.stringMatching(/^The code for .* could not be loaded/),
        });
      } finally {
        vi.doUnmock(module);
      }
      await expect(use(store)).resolves.toBeDefined();
    },
  );

  it("rejects with `network` for SHA-256 without WebCrypto, and is loaded by the next read", async () => {
    vi.stubGlobal("crypto", {});
    vi.doMock("../src/sha256-code.js", () => {
      throw new Error("Failed to fetch dynamically imported module");
    });
    const store = storeOf("fetch");
    const read = () => store.presign("bucket/key");
    try {
      await expect(read()).rejects.toMatchObject({ name: "PeekpackError", code: "network" });
    } finally {
      vi.doUnmock("../src/sha256-code.js");
    }
    const url = new URL(await read());
    expect(url.searchParams.get("X-Amz-Signature")).toMatch(/^[0-9a-f]{64}$/);
  });

  it("closes a sink whose first chunk is lost", async () => {
    vi.doMock("../src/store-writer.js", () => {
      throw new Error("offline");
    });
    const sink = storeOf("fetch").sink("bucket/key");
    try {
      await expect(sink.write(new Uint8Array(1))).rejects.toMatchObject({ code: "network" });
    } finally {
      vi.doUnmock("../src/store-writer.js");
    }
    await expect(sink.write(new Uint8Array(1))).rejects.toMatchObject({ code: "closed" });
  });

  it("is not needed to abort a sink without writes", async () => {
    vi.doMock("../src/store-writer.js", () => {
      throw new Error("offline");
    });
    const sink = storeOf("fetch").sink("bucket/key");
    try {
      await sink.abort();
    } finally {
      vi.doUnmock("../src/store-writer.js");
    }
    await expect(sink.write(new Uint8Array(1))).rejects.toMatchObject({ code: "closed" });
  });
});

describe("signatures", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("are the same with and without WebCrypto", async () => {
    vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ["Date"] });
    const presign = () => storeOf("fetch").presign("bucket/a key", { query: { "a-b": "1", a: "2 3" } });
    const expected = await presign();
    vi.stubGlobal("crypto", {});
    expect(await presign()).toBe(expected);
    vi.useRealTimers();
  });
});
