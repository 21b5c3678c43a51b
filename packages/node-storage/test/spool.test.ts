import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand, ListMultipartUploadsCommand, type S3Client } from "@aws-sdk/client-s3";
import { encodeArchive, openArchive, writeArchive } from "@peekpack/core";
import { s3Store, type UploadProgress, type UploadTarget } from "@peekpack/s3";
import { freshBucket, type S3Server, s3Client } from "@peekpack/testing";
import { archiveSinkContract, type SinkPlace } from "@peekpack/testing/contracts/archive-sink";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { onEachServer } from "../../s3/test/live-servers.js";
import {
  discardUpload,
  pendingUploads,
  resumeUpload,
  type SpoolSinkOptions,
  spoolSink,
} from "../src/index.js";

const MiB = 2 ** 20;
// About 13 MiB of archive: three parts of the minimum size.
const rows = Array.from({ length: 130 }, (_, index) => ({
  index,
  text: String.fromCharCode(97 + (index % 26)).repeat(100_000),
}));
const whole = encodeArchive(rows);
const parts: SpoolSinkOptions = { threshold: MiB, partSize: 5 * MiB };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-spool-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** Inspects a bucket through the AWS SDK. */
class Bucket {
  readonly name: string;
  readonly client: S3Client;

  constructor(server: S3Server, name: string) {
    this.name = name;
    this.client = s3Client(server);
  }

  async object(Key: string): Promise<Uint8Array | undefined> {
    try {
      const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.name, Key }));
      return await Body!.transformToByteArray();
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  }

  async uploads(): Promise<number> {
    const { Uploads = [] } = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.name }));
    return Uploads.length;
  }
}

await onEachServer("spooling", (server) => {
  let bucket: Bucket;
  const store = s3Store({ ...server, retry: { attempts: 3, baseMs: 5 } });
  beforeAll(async () => {
    bucket = new Bucket(server, await freshBucket(server, "spool"));
  });
  afterAll(() => bucket.client.destroy());
  const target = (key: string, put?: UploadTarget["put"]): UploadTarget =>
    store.target(`${bucket.name}/${key}`, { put });

  let count = 0;
  archiveSinkContract(`spool to ${server.kind}`, () => ({
    lasting: true,
    versioned: true,
    spills: true,
    largeBytes: 11 * MiB,
    place(): SinkPlace {
      const key = `contract ${count++}`;
      return {
        sink: () => spoolSink(target(key), { ...parts, directory }),
        stored: () => bucket.object(key),
        leftovers: async () => (await readdir(directory)).length + (await bucket.uploads()),
      };
    },
  }));

  it("uploads an archive that can be read back, and reports progress", async () => {
    const reports: UploadProgress[] = [];
    const sink = spoolSink(target("progress"), {
      ...parts,
      directory,
      onProgress: (progress) => reports.push(progress),
    });
    const result = await writeArchive(sink, rows);
    expect(result).toMatchObject({ size: whole.length, version: expect.any(String), location: sink.label });
    const phases = reports.map(({ phase }) => phase);
    expect([...new Set(phases)]).toEqual(["writing", "uploading", "completing", "done"]);
    for (const [index, { bytesProduced, bytesUploaded }] of reports.entries()) {
      expect(bytesProduced).toBeGreaterThanOrEqual(reports[index - 1]?.bytesProduced ?? 0);
      expect(bytesUploaded).toBeGreaterThanOrEqual(reports[index - 1]?.bytesUploaded ?? 0);
    }
    expect(reports.at(-1)).toMatchObject({ bytesUploaded: whole.length, parts: { uploaded: 3, total: 3 } });
    const archive = await openArchive(store.source(`${bucket.name}/progress`));
    expect(await archive.read("77/index")).toBe(77);
    expect(archive.info.version).toBe(result.version);
  });

  it("replaces an object only if its put mode allows it", async () => {
    const write = (value: unknown, put: UploadTarget["put"]) =>
      writeArchive(spoolSink(target("modes", put), { directory }), value);
    await write(1, "create");
    await expect(write(2, "create")).rejects.toMatchObject({ code: "exists" });
    await expect(write(2, { ifMatch: '"0"' })).rejects.toMatchObject({ code: "changed" });
    expect(await bucket.object("modes")).toEqual(encodeArchive(1));
    expect(await readdir(directory)).toEqual([]);
  });

  it("leaves nothing if it is aborted while writing or uploading", async () => {
    for (const phase of ["writing", "uploading"]) {
      const controller = new AbortController();
      const reason = new Error(`enough ${phase}`);
      const sink = spoolSink(target("stopped"), {
        ...parts,
        directory,
        signal: controller.signal,
        onProgress: (progress) => {
          if (progress.phase === phase) controller.abort(reason);
        },
      });
      await expect(writeArchive(sink, rows)).rejects.toBe(reason);
      expect(await bucket.object("stopped")).toBeUndefined();
      expect(await readdir(directory)).toEqual([]);
      expect(await bucket.uploads()).toBe(0);
    }
  });

  it("keeps a durable spool whose upload was aborted, and resumes it with the missing parts", async () => {
    const controller = new AbortController();
    const sink = spoolSink(target("resumed"), {
      ...parts,
      directory,
      durable: true,
      concurrency: 1,
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.parts.uploaded === 2) controller.abort();
      },
    });
    await expect(writeArchive(sink, rows)).rejects.toThrow();
    const [pending, ...others] = await pendingUploads({ directory });
    expect(others).toEqual([]);
    expect(pending).toMatchObject({
      target: sink.label,
      put: "overwrite",
      state: "uploading",
      size: whole.length,
      bytesUploaded: 10 * MiB,
    });
    await expect(resumeUpload(pending!, target("another"))).rejects.toThrow(TypeError);
    await expect(resumeUpload(pending!, target("resumed", "create"))).rejects.toThrow(TypeError);
    const uploaded: number[] = [];
    const real = target("resumed");
    const counting: UploadTarget = {
      ...real,
      uploadPart(upload, number, ...rest) {
        uploaded.push(number);
        return real.uploadPart(upload, number, ...rest);
      },
    };
    expect(await resumeUpload(pending!, counting)).toMatchObject({ size: whole.length });
    expect(uploaded).toEqual([3]);
    expect(Buffer.compare((await bucket.object("resumed"))!, whole)).toBe(0);
    expect(await readdir(directory)).toEqual([]);
    expect(await bucket.uploads()).toBe(0);
  });

  it("discards a durable spool here and on the server", async () => {
    const controller = new AbortController();
    const sink = spoolSink(target("discarded"), {
      ...parts,
      directory,
      durable: true,
      signal: controller.signal,
      onProgress: ({ parts: { uploaded } }) => {
        if (uploaded > 0) controller.abort();
      },
    });
    await expect(writeArchive(sink, rows)).rejects.toThrow();
    const [pending] = await pendingUploads({ directory });
    expect(await bucket.uploads()).toBe(1);
    await expect(discardUpload(pending!)).rejects.toThrow(TypeError);
    await discardUpload(pending!, target("discarded"));
    expect(await bucket.uploads()).toBe(0);
    expect(await readdir(directory)).toEqual([]);
    expect(await pendingUploads({ directory })).toEqual([]);
  });

  it("starts the upload again if the server has removed the parts", async () => {
    const stopAfter = (count: number, signal: AbortController) => ({
      ...parts,
      directory,
      concurrency: 1,
      signal: signal.signal,
      onProgress: (progress: UploadProgress) => {
        if (progress.parts.uploaded === count) signal.abort();
      },
    });
    await expect(
      writeArchive(
        spoolSink(target("swept"), { ...stopAfter(2, new AbortController()), durable: true }),
        rows,
      ),
    ).rejects.toThrow();
    const [pending] = await pendingUploads({ directory });
    const journal = await readFile(join(pending!.path, "journal"), "utf8");
    const upload = /"upload":(\{[^}]*\})/.exec(journal)![1]!;
    await target("swept").abortUpload(JSON.parse(upload));
    await resumeUpload(pending!, target("swept"));
    expect(Buffer.compare((await bucket.object("swept"))!, whole)).toBe(0);
    expect(await bucket.uploads()).toBe(0);
  });

  it("succeeds if a commit without a response had taken effect", async () => {
    for (const [key, options] of [
      ["lost complete", parts],
      ["lost put", { threshold: 64 * MiB }],
    ] as const) {
      const real = target(key, "create");
      // The request takes effect, but its response is lost.
      const lossy: UploadTarget = {
        ...real,
        async completeUpload(...args) {
          await real.completeUpload(...args);
          throw new Error("connection lost");
        },
        async putObject(...args) {
          await real.putObject(...args);
          throw new Error("connection lost");
        },
      };
      await expect(
        writeArchive(spoolSink(lossy, { ...options, directory, durable: true }), rows),
      ).rejects.toThrow("connection lost");
      const [pending] = await pendingUploads({ directory });
      expect(pending).toMatchObject({ state: "committing" });
      expect(await resumeUpload(pending!, target(key, "create"))).toMatchObject({ size: whole.length });
      expect(await readdir(directory)).toEqual([]);
    }
  });
});

await onEachServer(
  "a server that is killed",
  (server) => {
    let bucket: Bucket;
    const store = s3Store({ ...server, retry: { attempts: 2, baseMs: 5 } });
    beforeAll(async () => {
      bucket = new Bucket(server, await freshBucket(server, "dying"));
    });
    afterAll(() => bucket.client.destroy());

    it.each([false, true])(
      "leaves the old object readable and no temporary file (durable: %s)",
      async (durable) => {
        const path = `${bucket.name}/killed ${durable}`;
        await writeArchive(spoolSink(store.target(path), { directory }), { old: true });
        const old = await bucket.object(`killed ${durable}`);
        let killed: Promise<void> | undefined;
        const sink = spoolSink(store.target(path), {
          ...parts,
          directory,
          durable,
          concurrency: 1,
          onProgress: ({ parts: { uploaded } }) => {
            if (uploaded === 1) killed ??= server.kill();
          },
        });
        await expect(writeArchive(sink, rows)).rejects.toMatchObject({ code: "network" });
        await killed;
        await server.restart();
        expect(await bucket.object(`killed ${durable}`)).toEqual(old);
        // The parts could not be removed from the server: the journal is kept, and the body only if the spool is durable.
        const [pending] = await pendingUploads({ directory });
        expect(pending).toMatchObject({ state: durable ? "uploading" : "orphan", failure: "network" });
        expect((await readdir(directory)).length).toBe(durable ? 1 : 0);
        if (!durable) {
          expect(await readdir(pending!.path)).not.toContain("body");
          expect(await pendingUploads()).toContainEqual(pending);
          expect(await pendingUploads({ directory: join(directory, "another") })).toEqual([]);
          await expect(resumeUpload(pending!, store.target(path))).rejects.toMatchObject({
            code: "unfinished",
          });
          await discardUpload(pending!, store.target(path));
          expect(await bucket.object(`killed ${durable}`)).toEqual(old);
        } else {
          await resumeUpload(pending!, store.target(path));
          expect(Buffer.compare((await bucket.object(`killed ${durable}`))!, whole)).toBe(0);
        }
        expect(await bucket.uploads()).toBe(0);
        expect(await readdir(directory)).toEqual([]);
      },
    );

    it("rejects with network and leaves no spool if the server is away", async () => {
      await server.kill();
      const sink = spoolSink(store.target(`${bucket.name}/away`), { directory });
      await expect(writeArchive(sink, 1)).rejects.toMatchObject({ code: "network" });
      expect(await readdir(directory)).toEqual([]);
      await server.restart();
    });
  },
  ["stand-in", "rustfs", "versitygw"],
);

describe("a spool", () => {
  const nowhere = s3Store({
    endpoint: "http://127.0.0.1:9",
    credentials: { accessKeyId: "KEYOFTHETEST", secretAccessKey: "SECRETOFTHETEST" },
    retry: { attempts: 1 },
  }).target("bucket/key");

  it("rejects with quota beyond maxBytes and on a full disk, and leaves nothing", async () => {
    await expect(
      writeArchive(spoolSink(nowhere, { directory, maxBytes: 1_000_000 }), rows),
    ).rejects.toMatchObject({ code: "quota" });
    await expect(
      writeArchive(spoolSink(nowhere, { directory, expectedSize: 2 ** 60 }), rows),
    ).rejects.toMatchObject({ code: "quota" });
    expect(await readdir(directory)).toEqual([]);
  });

  it("stores no credential", async () => {
    await expect(writeArchive(spoolSink(nowhere, { directory, durable: true }), rows)).rejects.toMatchObject({
      code: "network",
    });
    const [pending] = await pendingUploads({ directory });
    for (const name of await readdir(pending!.path)) {
      const text = await readFile(join(pending!.path, name), "latin1");
      expect(text).not.toContain("KEYOFTHETEST");
      expect(text).not.toContain("SECRETOFTHETEST");
    }
    await discardUpload(pending!);
  });

  it("is never listed while its process runs", async () => {
    const sink = spoolSink(nowhere, { directory });
    await sink.write(new Uint8Array(10));
    expect((await readdir(directory)).length).toBe(1);
    expect(await pendingUploads({ directory, foreign: true })).toEqual([]);
    await sink.abort();
    expect(await readdir(directory)).toEqual([]);
  });

  it("is removed at the end of its scope if it is unfinished", async () => {
    {
      await using sink = spoolSink(nowhere, { directory });
      await sink.write(new Uint8Array(10));
      expect((await readdir(directory)).length).toBe(1);
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it("rejects part sizes and concurrencies out of range", async () => {
    for (const wrong of [{ partSize: 1000, threshold: 0 }, { concurrency: 0 }]) {
      await expect(writeArchive(spoolSink(nowhere, { ...wrong, directory }), rows)).rejects.toThrow(
        RangeError,
      );
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it("without an owner is listed, but not while its process may still be creating it", async () => {
    const path = join(directory, "mb0000000-0123456789ab");
    await mkdir(path);
    expect(await pendingUploads({ directory })).toEqual([]);
    const before = new Date(Date.now() - 3_600_000);
    await utimes(path, before, before);
    const [pending, ...others] = await pendingUploads({ directory });
    expect(others).toEqual([]);
    expect(pending).toMatchObject({ path, state: "unfinished", target: undefined });
    await discardUpload(pending!);
    expect(await readdir(directory)).toEqual([]);
  });

  it("is not confused with other files in its directory", async () => {
    await writeFile(join(directory, "notes.txt"), "other");
    expect(await pendingUploads({ directory })).toEqual([]);
    expect(await pendingUploads({ directory: join(directory, "none") })).toEqual([]);
  });
});
