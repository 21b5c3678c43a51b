import { describe, expect, it } from "vitest";
import { s3Store } from "../src/index.js";
import { localServer } from "./local-server.js";

const server = await localServer((_, response) => {
  response.writeHead(200, { etag: '"1"' });
  response.end("<R><UploadId>1</UploadId></R>");
});

describe.each(["sdk", "fetch"] as const)("anonymous writing by %s", (writer) => {
  it("sends requests without a signature", async () => {
    const store = s3Store({ endpoint: server.url, credentials: null, writer, retry: { attempts: 1 } });
    server.requests.length = 0;
    const target = store.target("bucket/key");
    expect(await target.putObject(new Uint8Array(10))).toMatchObject({ size: 10, etag: '"1"' });
    const upload = await target.createUpload();
    await target.uploadPart(upload, 1, new Uint8Array(10));
    expect(server.requests.map(({ method }) => method)).toEqual(["PUT", "POST", "PUT"]);
    for (const { headers, url } of server.requests) {
      expect(headers).not.toHaveProperty("authorization");
      expect(url).not.toContain("X-Amz-Signature");
    }
    await store.close();
  });
});
