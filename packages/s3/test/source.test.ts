import { PutObjectCommand } from "@aws-sdk/client-s3";
import { freshBucket, s3Client } from "@peekpack/testing";
import { beforeAll, expect, it } from "vitest";
import { type S3Store, s3Source, s3Store } from "../src/index.js";
import { noise, onEachServer } from "./live-servers.js";

const bytes = noise(100_000);

await onEachServer("reading", (server) => {
  let bucket: string;
  let store: S3Store;
  const sent: Request[] = [];
  const put = async (Key: string, Body: Uint8Array): Promise<string> => {
    const client = s3Client(server);
    const { ETag } = await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    client.destroy();
    return ETag!;
  };

  beforeAll(async () => {
    bucket = await freshBucket(server, "read");
    store = s3Store({
      ...server,
      fetch(request) {
        sent.push(request);
        return fetch(request);
      },
    });
  });

  it("probes and reads ranges by signed GET requests only", async () => {
    const etag = await put("plain", bytes);
    sent.length = 0;
    const source = store.source(`${bucket}/plain`);
    const probe = await source.probe({ head: 100, tail: 50 });
    expect(probe.size).toBe(bytes.length);
    expect(probe.version).toBe(etag);
    expect(probe.head).toEqual(bytes.subarray(0, 100));
    expect(probe.tail).toEqual(bytes.subarray(-50));
    const [a, b] = await source.read([
      { start: 7, end: 9 },
      { start: 5000, end: 65_000 },
    ]);
    expect(a).toEqual(bytes.subarray(7, 9));
    expect(b).toEqual(bytes.subarray(5000, 65_000));
    expect(new Set(sent.map(({ method }) => method))).toEqual(new Set(["GET"]));
    expect(sent.every(({ headers }) => headers.has("authorization") && headers.has("range"))).toBe(true);
  });

  it("rejects with TypeError if version and ifMatch are different ETags", () => {
    const options = { version: '"1"', ifMatch: '"2"' };
    expect(() => store.source(`${bucket}/plain`, options)).toThrow(TypeError);
    expect(() => store.source(`${bucket}/plain`, { version: "id", ifMatch: '"2"' })).not.toThrow();
  });

  it("uses credentials, region and endpoint of an SDK client", async () => {
    await put("by client", bytes);
    const client = s3Client(server);
    const source = s3Source(client, { Bucket: bucket, Key: "by client" });
    expect((await source.read([{ start: 10, end: 20 }]))[0]).toEqual(bytes.subarray(10, 20));
    client.destroy();
  });

  it.each(["a b", "ü/日本語", "a+b", "100%", "a%20b", "q?x=1&y#f", "a..b", "(x)'!*", ";,=$@:", "~.-_", "😀"])(
    "reads the key %j",
    async (key) => {
      const body = new TextEncoder().encode(key);
      await put(key, body);
      const probe = await store.source(`s3://${bucket}/${key}`).probe({ head: 100, tail: 0 });
      expect(probe.head).toEqual(body);
      const url = await store.presign(`${bucket}/${key}`);
      expect(new Uint8Array(await (await fetch(url)).arrayBuffer())).toEqual(body);
    },
  );

  it("rejects with `changed` if the object has another version", async () => {
    const first = await put("versions", noise(1000, 1));
    const pinned = store.source(`${bucket}/versions`, { ifMatch: first });
    await pinned.read([{ start: 0, end: 10 }]);
    await put("versions", noise(1000, 2));
    await expect(pinned.read([{ start: 10, end: 20 }])).rejects.toMatchObject({ code: "changed" });
    await expect(
      store.source(`${bucket}/versions`, { version: first }).read([{ start: 0, end: 10 }]),
    ).rejects.toMatchObject({ code: "changed" });
  });

  it("reports errors without secrets", async () => {
    const wrong = s3Store({ ...server, credentials: { ...server.credentials, secretAccessKey: "wrong" } });
    const dead = s3Store({ ...server, endpoint: "http://127.0.0.1:9" });
    const failures: [() => Promise<unknown>, string][] = [
      [() => store.source(`${bucket}/nothing`).probe({ head: 1, tail: 0 }), "not-found"],
      [() => store.source(`${bucket}-none/nothing`).probe({ head: 1, tail: 0 }), "not-found"],
      [() => wrong.source(`${bucket}/plain`).probe({ head: 1, tail: 0 }), "denied"],
      [
        () =>
          s3Store({ ...server, credentials: null })
            .source(`${bucket}/plain`)
            .probe({ head: 1, tail: 0 }),
        "denied",
      ],
      [() => dead.source(`${bucket}/plain`).probe({ head: 1, tail: 0 }), "network"],
    ];
    for (const [attempt, code] of failures) {
      const error = await attempt().then(
        () => undefined,
        (reason: Error & { code: string }) => reason,
      );
      expect(error?.code).toBe(code);
      const texts = [error, error?.cause].map(
        (at) => `${at} ${(at as Error | undefined)?.stack} ${JSON.stringify(at)}`,
      );
      for (const secret of [
        server.credentials.secretAccessKey,
        server.credentials.accessKeyId,
        "Signature=",
        "X-Amz-",
      ]) {
        expect(texts.join()).not.toContain(secret);
      }
    }
  });
});
