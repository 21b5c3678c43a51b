import { describe, expect, it } from "vitest";
import { presignedTarget, s3Store, type UploadTarget } from "../src/index.js";
import { localServer } from "./local-server.js";

/** Responds with a byte now and then, for ever. */
const server = await localServer((_, response) => {
  response.writeHead(200, { etag: '"1"' });
  const timer = setInterval(() => response.write("x"), 20);
  response.once("close", () => clearInterval(timer));
});
const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
const retry = { attempts: 1, timeoutMs: 300 };
const storeOf = (writer: "sdk" | "fetch") => s3Store({ endpoint: server.url, credentials, writer, retry });

const targets: Record<string, UploadTarget> = {
  "the SDK": storeOf("sdk").target("bucket/key"),
  "signed fetch": storeOf("fetch").target("bucket/key"),
  "presigned URLs": presignedTarget(() => `${server.url}/bucket/key`, { retry }),
};

describe.each(Object.entries(targets))("a response that never ends, by %s", (_, target) => {
  it("times out at every request", async () => {
    const upload = { id: "1", crc32: false };
    const calls = [
      () => target.createUpload(),
      () => target.listParts(upload),
      () => target.completeUpload(upload, [{ number: 1, size: 1, etag: '"1"' }]),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ code: "network", s3Code: "ETIMEDOUT" });
  });
});

describe("a timeout", () => {
  it("ends a sweep", async () => {
    await expect(storeOf("fetch").sweep("bucket", { olderThan: 0 })).rejects.toMatchObject({
      code: "network",
      s3Code: "ETIMEDOUT",
    });
  });

  it("ends a request whose presigner hangs", async () => {
    const target = presignedTarget(() => new Promise(() => {}), { retry });
    await expect(target.putObject(new Uint8Array(1))).rejects.toMatchObject({ s3Code: "ETIMEDOUT" });
  });

  it("ends a request whose credentials provider hangs", async () => {
    for (const writer of ["sdk", "fetch"] as const) {
      const store = s3Store({
        endpoint: server.url,
        credentials: () => new Promise(() => {}),
        writer,
        retry,
      });
      await expect(store.target("bucket/key").putObject(new Uint8Array(1))).rejects.toMatchObject({
        s3Code: "ETIMEDOUT",
      });
    }
  });
});

describe("an abort", () => {
  it("ends a request whose presigner hangs, with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const target = presignedTarget(() => new Promise(() => {}));
    const put = target.putObject(new Uint8Array(1), { signal: controller.signal });
    controller.abort(reason);
    await expect(put).rejects.toBe(reason);
  });
});
