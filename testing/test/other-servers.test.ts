/** What works on servers that deviate from S3, without faults. The stand-in shows what works on S3. */
import { CreateMultipartUploadCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { encodeArchive, openArchive } from "@peekpack/core";
import { multipartSink, type PutMode, s3Store } from "@peekpack/s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AUTHORIZATIONS,
  faultyArchive,
  OPERATIONS,
  RIGHT,
  readUnderFault,
} from "../src/contracts/faulty-reads.js";
import { MIB, patterned } from "../src/contracts/s3/subject.js";
import { skippedAsAbsent } from "../src/live.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { type S3Server, startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";

/** What `store.capabilities` says of a server. */
interface Capabilities {
  readonly missing: readonly string[];
  /** Missing capabilities on which others depend. */
  readonly unknown?: readonly string[];
}

const servers: Readonly<Record<"stand-in" | "rclone" | "moto", Capabilities>> = {
  "stand-in": { missing: ["cors"] },
  // 1.76.0
  rclone: { missing: ["suffixRanges", "wholeChecksums", "cors"] },
  // 5.2.5
  moto: {
    missing: ["checksums", "conditionalComplete", "wholeChecksums", "pinnedCopy", "cors"],
    unknown: ["atomicComplete"],
  },
};

for (const kind of ["stand-in", "rclone", "moto"] as const) {
  const { here, how } = kind === "stand-in" ? { here: true, how: "" } : await locateS3(kind);
  // No run requires them: building rclone takes minutes.
  if (skippedAsAbsent(`peekpack on ${kind}`, here ? undefined : how, false)) {
    describe.skip(`peekpack on ${kind}`, () => {
      it(`is absent: ${how}`, () => {});
    });
  } else {
    describe(`peekpack on ${kind}`, { timeout: 60_000 }, () => tests(kind));
  }
}

function tests(kind: keyof typeof servers): void {
  const { missing, unknown = [] } = servers[kind];
  const honors = (capability: string): boolean => ![...missing, ...unknown].includes(capability);
  let server: S3Server;
  let client: S3Client;
  let bucket: string;
  beforeAll(async () => {
    server = await startS3({ require: kind, build: false });
    client = s3Client(server);
    bucket = await freshBucket(server, "others");
    await put("an archive", faultyArchive());
  });
  afterAll(async () => {
    client.destroy();
    await server.close();
  });
  const put = async (Key: string, Body: Uint8Array): Promise<string> =>
    (await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))).ETag!;

  it("has the recorded capabilities", async () => {
    const found = await s3Store(server).capabilities(bucket, { origin: "https://app.example" });
    const named = (wanted: boolean | undefined): string[] =>
      Object.entries(found).flatMap(([name, value]: [string, { supported?: boolean }]) =>
        typeof value === "object" && "supported" in value && value.supported === wanted ? [name] : [],
      );
    expect({ missing: named(false).sort(), unknown: named(undefined) }).toEqual({
      missing: [...missing].sort(),
      unknown,
    });
  });

  describe.each(AUTHORIZATIONS)("reading by %s", (by) => {
    it.each(OPERATIONS)("gives the right value: %s", async (operation) => {
      const place = { ...server, path: `${bucket}/an archive`, by, stallMs: 10_000 };
      const done = await readUnderFault(place, operation, "once open", async () => {});
      expect(done.outcome, done.message).toBe(RIGHT);
    });
  });

  it("opens a small archive every time, and rejects an empty object with `not-an-archive`", async () => {
    await put("small", encodeArchive({ a: 1 }));
    await put("empty", new Uint8Array(0));
    const store = s3Store(server);
    for (let i = 0; i < 40; i++) {
      expect(await (await openArchive(store.source(`${bucket}/small`))).read("a")).toBe(1);
    }
    await expect(openArchive(store.source(`${bucket}/empty`))).rejects.toMatchObject({
      code: "not-an-archive",
    });
  });

  describe.each(["sdk", "fetch"] as const)("writing by %s", (writer) => {
    const write = async (key: string, mode: PutMode, parts: boolean, text: string) => {
      const target = s3Store({ ...server, writer }).target(`${bucket}/${key}`, { put: mode });
      const sink = multipartSink(target, { partSize: 5 * MIB });
      const archive = encodeArchive({ text, bytes: patterned(parts ? 6 * MIB : 1000) });
      await sink.write(archive.subarray(50));
      return sink.finish(archive.subarray(0, 50));
    };
    const textOf = async (key: string) =>
      (await openArchive(s3Store(server).source(`${bucket}/${key}`))).read("text");

    it.each([
      ["one PUT", false],
      ["parts", true],
    ])("writes and replaces an archive in %s under its condition", async (name, parts) => {
      const key = `${writer} ${name}`;
      const { version } = await write(key, "create", parts, "first");
      await write(key, { ifMatch: version! }, parts, "second");
      expect(await textOf(key)).toBe("second");
      await write(key, "overwrite", parts, "third");
      expect(await textOf(key)).toBe("third");
      if (parts && !honors("conditionalComplete")) return;
      await expect(write(key, "create", parts, "fourth")).rejects.toMatchObject({ code: "exists" });
      await expect(write(key, { ifMatch: version! }, parts, "fourth")).rejects.toMatchObject({
        code: "changed",
      });
      expect(await textOf(key)).toBe("third");
    });
  });

  it("combines and appends archives, and appends to parts only where that is safe", async () => {
    const store = s3Store(server);
    const added = { source: encodeArchive({ n: 2 }) };
    await put("child", encodeArchive({ bytes: patterned(12 * MIB) }));
    const children = [{ source: `${bucket}/child` }, { source: `${bucket}/child` }];
    const combined = await store.combine(`${bucket}/large`, children);
    expect(combined.copiedBytes > 0).toBe(honors("serverSideCopy"));
    if (!honors("conditionalComplete")) {
      await expect(store.append(`${bucket}/large`, [added])).rejects.toMatchObject({ code: "conflict" });
    }
    await store.append(`${bucket}/large`, [added], { soleWriter: !honors("conditionalComplete") });
    await store.combine(`${bucket}/small list`, [added]);
    await store.append(`${bucket}/small list`, [added]);
    expect(await (await openArchive(store.source(`${bucket}/large`))).read("2/n")).toBe(2);
    expect(await (await openArchive(store.source(`${bucket}/small list`))).read("1/n")).toBe(2);
  });

  it("sweeps an upload that was left behind", async () => {
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: "swept/upload" }));
    const olderThan = new Date(Date.now() + 60_000);
    const swept = await s3Store(server).sweep(`${bucket}/swept`, { olderThan });
    expect(swept.map(({ key }) => key)).toEqual(["swept/upload"]);
  });
}
