import { PeekpackError } from "@peekpack/core";
import { beforeEach, describe, expect, it } from "vitest";
import { presignedTarget, type S3StoreOptions, s3Store } from "../src/index.js";
import { localServer } from "./local-server.js";

const other = await localServer((_, response) => {
  response.writeHead(206, { etag: '"1"', "content-range": "bytes 0-3/4" });
  response.end("data");
});
const server = await localServer((request, response) => {
  response.writeHead(307, { location: `${other.url}${request.url}` });
  response.end();
});

const credentials = { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "session token" };
const options: S3StoreOptions = { endpoint: server.url, credentials, retry: { attempts: 1 } };
const body = new Uint8Array(10);

describe("a redirect to another origin", () => {
  beforeEach(() => {
    other.requests.length = 0;
  });

  it.each([
    [
      "a write by fetch",
      () =>
        s3Store({ ...options, writer: "fetch" })
          .target("b1b/key")
          .putObject(body),
    ],
    [
      "a write by the SDK",
      () =>
        s3Store({ ...options, writer: "sdk" })
          .target("b1b/key")
          .putObject(body),
    ],
    [
      "a write by the SDK over fetch",
      () =>
        s3Store({ ...options, writer: "sdk", fetch: (request) => fetch(request) })
          .target("b1b/key")
          .putObject(body),
    ],
    [
      "a write by a presigned URL",
      () =>
        presignedTarget(() => s3Store(options).presign("b1b/key", { method: "PUT" }), {
          retry: { attempts: 1 },
        }).putObject(body),
    ],
  ])("is not followed by %s", async (_, write) => {
    const error = await write().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "denied",
      status: 307,
      message: expect.stringContaining("redirects"),
    });
    expect(other.requests).toEqual([]);
  });

  it("is not followed by a signed read", async () => {
    const source = s3Store(options).source("b1b/key");
    await expect(source.probe({ head: 4, tail: 0 })).rejects.toBeInstanceOf(PeekpackError);
    expect(other.requests).toEqual([]);
  });

  it("is not followed where a browser hides its status", async () => {
    const hidden = { type: "opaqueredirect", status: 0, headers: new Headers(), ok: false, body: null };
    for (const writer of ["sdk", "fetch"] as const) {
      const store = s3Store({ ...options, writer, fetch: async () => hidden as Response });
      await expect(store.target("b1b/key").putObject(body)).rejects.toMatchObject({ status: 307 });
    }
  });

  it("is followed by an anonymous read", async () => {
    const source = s3Store({ ...options, credentials: null }).source("b1b/key");
    const { head } = await source.probe({ head: 4, tail: 0 });
    expect(new TextDecoder().decode(head)).toBe("data");
    expect(other.requests).toHaveLength(1);
  });
});
