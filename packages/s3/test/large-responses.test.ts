import { S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { clientTarget, s3Store, type UploadTarget } from "../src/index.js";
import { localServer } from "./local-server.js";

const MiB = 2 ** 20;
const LARGEST = 64 * MiB;
const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
const retry = { attempts: 1 };

/** Bytes that the server has sent in its last response. */
let sent = 0;
const server = await localServer((_, response) => {
  sent = 0;
  response.writeHead(403, { "content-type": "application/xml" });
  response.write("<Error><Code>AccessDenied</Code><Message>");
  const chunk = Buffer.alloc(MiB, "x");
  const send = (): void => {
    while (sent < LARGEST) {
      sent += chunk.length;
      if (!response.write(chunk)) {
        response.once("drain", send);
        return;
      }
    }
    response.end("</Message></Error>");
  };
  send();
});

const client = new S3Client({ endpoint: server.url, region: "us-east-1", credentials, forcePathStyle: true });
const targets: Record<string, () => UploadTarget> = {
  "the SDK": () => s3Store({ endpoint: server.url, credentials, writer: "sdk", retry }).target("bucket/key"),
  "the SDK over fetch": () =>
    s3Store({ endpoint: server.url, credentials, writer: "sdk", retry, fetch: (r) => fetch(r) }).target(
      "bucket/key",
    ),
  "signed fetch": () =>
    s3Store({ endpoint: server.url, credentials, writer: "fetch", retry }).target("bucket/key"),
  "a client of the caller": () => clientTarget(client, { Bucket: "bucket", Key: "key" }, { retry }),
};

describe.each(Object.entries(targets))("an endless error response to %s", (_, make) => {
  it("is not read to the end", async () => {
    const target = make();
    const calls = [
      () => target.putObject(new Uint8Array(10)),
      () => target.createUpload(),
      () => target.completeUpload({ id: "1", crc32: false }, [{ number: 1, size: 1, etag: '"1"' }]),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: "denied", status: 403 });
      // Buffers of the sockets included.
      expect(sent).toBeLessThan(32 * MiB);
    }
  });
});
