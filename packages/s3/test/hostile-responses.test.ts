import { PeekpackError } from "@peekpack/core";
import { describe, expect, it } from "vitest";
import { presignedTarget, s3Store, type UploadTarget } from "../src/index.js";

const credentials = {
  accessKeyId: "MyAccessKeyId1234",
  secretAccessKey: "MySecretAccessKey5678",
  sessionToken: "MySessionToken9012",
};
const retry = { attempts: 1 };

describe("an error code that a server makes up", () => {
  const targets = (fetch: () => Promise<Response>): Record<string, UploadTarget> => {
    const options = { endpoint: "http://127.0.0.1:9", credentials, retry, fetch };
    return {
      sdk: s3Store({ ...options, writer: "sdk" }).target("bucket/key"),
      fetch: s3Store({ ...options, writer: "fetch" }).target("bucket/key"),
      presigned: presignedTarget(() => s3Store(options).presign("bucket/key", { method: "PUT" }), {
        retry,
        fetch,
      }),
    };
  };

  it.each([
    ["the access key id", credentials.accessKeyId],
    ["text with the access key id", `No${credentials.accessKeyId}Known`],
    ["the secret access key", credentials.secretAccessKey],
    ["the session token", credentials.sessionToken],
    ["control characters", "Bad\u001b[31mCode"],
    ["a sentence", "Call 555 1234 now"],
    ["a long word", "A".repeat(65)],
    ["digits only", "1234567890"],
  ])("is not quoted if it is %s", async (_, code) => {
    const body = `<Error><Code>${code}</Code></Error>`;
    for (const [writer, target] of Object.entries(targets(async () => new Response(body, { status: 403 })))) {
      // A presigned URL does not contain the secret access key.
      if (writer === "presigned" && code === credentials.secretAccessKey) continue;
      const error = await target.putObject(new Uint8Array(1)).catch((reason: unknown) => reason);
      expect(error, writer).toMatchObject({ code: "denied", status: 403, s3Code: undefined });
      expect(`${error} ${JSON.stringify(error)}`, writer).not.toContain(code);
    }
  });

  it("is quoted if it looks like one of S3", async () => {
    const body = "<Error><Code>InvalidAccessKeyId</Code></Error>";
    for (const [writer, target] of Object.entries(targets(async () => new Response(body, { status: 403 })))) {
      await expect(target.putObject(new Uint8Array(1)), writer).rejects.toMatchObject({
        s3Code: "InvalidAccessKeyId",
      });
    }
  });

  it("is not quoted by reads", async () => {
    for (const status of [400, 403, 404, 500]) {
      const body = `<Error><Code>${credentials.accessKeyId}</Code></Error>`;
      const fetch = async (): Promise<Response> => new Response(body, { status });
      const source = s3Store({ endpoint: "http://127.0.0.1:9", credentials, fetch }).source("bucket/key");
      const error = await source.probe({ head: 1, tail: 0 }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(PeekpackError);
      expect(`${error} ${JSON.stringify(error)}`).not.toContain(credentials.accessKeyId);
    }
  });

  it("is not quoted by capabilities and sweeps either", async () => {
    const body = `<Error><Code>${credentials.accessKeyId}</Code></Error>`;
    const fetch = async (): Promise<Response> => new Response(body, { status: 403 });
    const store = s3Store({ endpoint: "http://127.0.0.1:9", credentials, retry, fetch });
    expect(JSON.stringify(await store.capabilities("bucket"))).not.toContain(credentials.accessKeyId);
    const error = await store.sweep("bucket", { olderThan: 0 }).catch((reason: unknown) => reason);
    expect(`${error} ${JSON.stringify(error)}`).not.toContain(credentials.accessKeyId);
  });
});
