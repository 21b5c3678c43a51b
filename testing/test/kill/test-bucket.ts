import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { openArchive } from "@peekpack/core";
import { discardUpload, type PendingUpload, pendingUploads, resumeUpload } from "@peekpack/node-storage";
import { type PutMode, type S3Store, s3Store } from "@peekpack/s3";
import { expect, vi } from "vitest";
import type { FaultAction } from "../../src/faults/fault.js";
import { faults } from "../../src/faults/fault.js";
import { type FaultProxy, startFaultProxy } from "../../src/faults/proxy.js";
import type { RequestPattern } from "../../src/faults/rules.js";
import { freshBucket, s3Client } from "../../src/s3/client.js";
import type { S3Server } from "../../src/s3/launcher.js";
import {
  CHILD,
  childArchive,
  type WriteMethod,
  type WriteMethodName,
  type WriteTask,
  writeMethods,
} from "./write-methods.js";

/** A request that a write makes. */
export type Step = "put" | "create" | "part 1" | "part 2" | "part 3" | "complete" | "abort";

/**
 * When the kill happens: before the request reaches the server; after a part of its body; or after the server has
 * processed it, before the writer gets the response.
 */
export type Phase = "before" | "within" | "processed";

/** The point of a write at which a process is killed. */
export interface KillPoint {
  readonly step: Step;
  readonly phase: Phase;
}

const part = (number: number): RequestPattern => ({
  method: "PUT",
  test: ({ partNumber }) => partNumber === number,
});
const requests: Readonly<Record<Step, RequestPattern>> = {
  put: { method: "PUT", test: ({ partNumber }) => partNumber === undefined },
  create: { method: "POST", query: "uploads" },
  "part 1": part(1),
  "part 2": part(2),
  "part 3": part(3),
  complete: { method: "POST", query: "uploadId" },
  abort: { method: "DELETE", query: "uploadId" },
};

/** All kill points of a write method. */
function pointsOf(method: WriteMethod): KillPoint[] {
  const of = (step: Step, ...phases: Phase[]): KillPoint[] => phases.map((phase) => ({ step, phase }));
  if (method.parts === 0) return of("put", "before", "within", "processed");
  const copy: Phase[] = method.copies ? ["before", "processed"] : ["before", "within", "processed"];
  return [
    ...of("create", "before", "processed"),
    ...of("part 1", "before", "within", "processed"),
    ...of("part 2", ...copy),
    ...(method.parts === 3 ? of("part 3", "before", "within", "processed") : []),
    ...of("complete", "before", "within", "processed"),
    ...of("abort", "before", "processed"),
  ];
}

/**
 * Kill points whose outcome depends on what the server keeps of an incomplete request, or of one whose response was lost.
 * Together they cover each write method and each kind of request.
 */
const serverDependent: Readonly<Record<WriteMethodName, readonly string[]>> = {
  "a spool as one PUT": ["put within", "put processed"],
  "a spool in parts": ["create processed", "part 1 within", "complete processed"],
  "a sink as one PUT": ["put within", "put processed"],
  "a sink as one PUT over fetch": ["put within", "put processed"],
  "a sink in parts": ["part 2 processed", "complete within", "abort processed"],
  combine: ["part 2 processed", "complete before"],
  append: ["part 2 processed", "complete processed"],
  "an append by a spool": ["part 2 within", "complete processed"],
};

/** All kill points on the stand-in; on real servers, for time, only those that depend on the server. */
export function killPoints(name: WriteMethodName, server: S3Server): KillPoint[] {
  const all = pointsOf(writeMethods[name]);
  if (server.kind === "stand-in") return all;
  return all.filter(({ step, phase }) => serverDependent[name].includes(`${step} ${phase}`));
}

/** Whether the new object exists at the kill point. */
export const isCommitted = ({ step, phase }: KillPoint): boolean =>
  (step === "put" || step === "complete") && phase === "processed";

/** Number of multipart uploads that are open on the server at the kill point. */
export function openUploadCount({ step, phase }: KillPoint): number {
  if (step === "put") return 0;
  const ends = step === "complete" || step === "abort";
  return (step === "create" && phase === "before") || (ends && phase === "processed") ? 0 : 1;
}

/** State in the journal of a spool that was abandoned at the kill point. */
export function journalState({ step }: KillPoint): PendingUpload["state"] {
  if (step === "put" || step === "complete") return "committing";
  return step === "create" ? "sealed" : "uploading";
}

/** A bucket with the objects that the write methods need. */
export class TestBucket {
  readonly server: S3Server;
  readonly bucket: string;
  readonly client: S3Client;
  readonly #olds = new Map<WriteMethodName, Uint8Array>();
  readonly #result = new Map<WriteMethodName, Uint8Array>();
  #writes = 0;

  private constructor(server: S3Server, bucket: string) {
    this.server = server;
    this.bucket = bucket;
    this.client = s3Client(server);
  }

  static async open(server: S3Server): Promise<TestBucket> {
    const bucket = await freshBucket(server, "killed");
    const testBucket = new TestBucket(server, bucket);
    const put = (Key: string, Body: Uint8Array) =>
      testBucket.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    await put(CHILD, await childArchive());
    for (const name of Object.keys(writeMethods) as WriteMethodName[]) {
      const old = await writeMethods[name].old();
      testBucket.#olds.set(name, old);
      testBucket.#result.set(name, await writeMethods[name].result());
      await put(`old ${name}`, old);
    }
    return testBucket;
  }

  close(): void {
    this.client.destroy();
  }

  /** Prepares a write with an old object, a directory and a proxy of its own. */
  async prepare(name: WriteMethodName): Promise<TestWrite> {
    const method = writeMethods[name];
    const key = `${String(this.#writes++).padStart(3, "0")}/archive`;
    const { CopyObjectResult } = await this.client.send(
      new CopyObjectCommand({
        Bucket: this.bucket,
        Key: key,
        CopySource: encodeURI(`${this.bucket}/old ${name}`),
      }),
    );
    const proxy = await startFaultProxy(this.server);
    const home = await mkdtemp(join(tmpdir(), "peekpack-killed-"));
    const directory = join(home, "spools");
    await mkdir(directory);
    const put: PutMode =
      method.appends && method.spooled ? { ifMatch: CopyObjectResult!.ETag! } : "overwrite";
    return new TestWrite({
      testBucket: this,
      method,
      proxy,
      home,
      old: this.#olds.get(name)!,
      made: this.#result.get(name)!,
      task: {
        method: name,
        access: proxy.access,
        bucket: this.bucket,
        key,
        put,
        directory,
        durable: false,
        attempts: 2,
      },
    });
  }
}

interface TestWriteParts {
  readonly testBucket: TestBucket;
  readonly method: WriteMethod;
  readonly proxy: FaultProxy;
  /** Directory of the write's spools and temporary files. */
  readonly home: string;
  readonly old: Uint8Array;
  readonly made: Uint8Array;
  readonly task: WriteTask;
}

/** One write, with assertions about its effects. */
export class TestWrite {
  readonly method: WriteMethod;
  readonly proxy: FaultProxy;
  readonly home: string;
  readonly task: WriteTask;
  readonly store: S3Store;
  readonly #testBucket: TestBucket;
  readonly #old: Uint8Array;
  readonly #made: Uint8Array;
  /** ETags whose bytes were compared already: 0 is the old object, 1 the new one. */
  readonly #seen = new Map<string, number>();

  constructor({ testBucket, method, proxy, home, old, made, task }: TestWriteParts) {
    this.#testBucket = testBucket;
    this.method = method;
    this.proxy = proxy;
    this.home = home;
    this.#old = old;
    this.#made = made;
    this.task = task;
    this.store = s3Store({ ...task.access, writer: "fetch", retry: { baseMs: 2 } });
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await rm(this.home, { recursive: true });
  }

  /** Runs `run` at a kill point. @returns a function that says whether the point was reached */
  runAt({ step, phase }: KillPoint, run: FaultAction): () => boolean {
    if (step === "abort") {
      this.proxy.add({
        when: requests[`part ${this.method.parts as 2 | 3}`],
        fault: { kind: "response", status: 403, code: "AccessDenied" },
      });
    }
    const fault =
      phase === "before"
        ? faults.before(run)
        : phase === "within"
          ? faults.within(run, step === "complete" ? 100 : 50_000)
          : faults.processed(run);
    const rule = this.proxy.add({ when: requests[step], fault, times: 1 });
    return () => rule.hits === 1;
  }

  /** Waits until no request of the write is in flight, and removes all rules. */
  async settle(): Promise<void> {
    await vi.waitFor(() => expect(this.proxy.pending).toBe(0), { timeout: 10_000, interval: 5 });
    this.proxy.clear();
  }

  /** Reads the object. Fails unless it is exactly the old or the new one. */
  async readObject(): Promise<"old" | "new"> {
    const { bucket, key } = this.task;
    const { ETag } = await this.#testBucket.client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    let there = this.#seen.get(ETag!);
    if (there === undefined) {
      const { Body } = await this.#testBucket.client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const bytes = await Body!.transformToByteArray();
      there = [this.#old, this.#made].findIndex((known) => Buffer.compare(bytes, known) === 0);
      expect({ there, size: bytes.length }).not.toMatchObject({ there: -1 });
      this.#seen.set(ETag!, there);
    }
    const archive = await openArchive(this.store.source(`${bucket}/${key}`));
    const { appends, copies } = this.method;
    const end = there === 0 ? (appends ? "first/end" : "end") : appends || copies ? "added/end" : "end";
    expect(await archive.read(end)).toBe(there === 0 && !appends ? "old" : "new");
    await archive.close();
    return there === 0 ? "old" : "new";
  }

  /** Ids of the open uploads of the object, as listed by the server. */
  async uploads(): Promise<string[]> {
    const { bucket, key } = this.task;
    const { Uploads = [] } = await this.#testBucket.client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }),
    );
    return Uploads.map(({ UploadId }) => UploadId!).sort();
  }

  pending(): Promise<PendingUpload[]> {
    return pendingUploads({ directory: this.task.directory });
  }

  /** Sets the time of all spools back by a day. */
  async ageFiles(): Promise<void> {
    const { directory } = this.task;
    const yesterday = new Date(Date.now() - 86_400_000);
    for (const name of await readdir(directory)) await utimes(join(directory, name), yesterday, yesterday);
  }

  /** Resumes or discards a listed upload. */
  async finish(pending: PendingUpload, how: "resume" | "discard"): Promise<void> {
    const { bucket, key, put } = this.task;
    const target = this.store.target(`${bucket}/${key}`, { put });
    if (how === "resume")
      expect(await resumeUpload(pending, target)).toMatchObject({ size: this.#made.length });
    else await discardUpload(pending, target);
  }

  /** Asserts that no file is left, that `lost` uploads are open, and that a sweep aborts exactly those. */
  async expectClean(lost: number): Promise<void> {
    expect(await this.pending()).toEqual([]);
    const files = await readdir(this.home, { recursive: true, withFileTypes: true });
    expect(files.filter((entry) => !entry.isDirectory()).map(({ name }) => name)).toEqual([]);
    const open = await this.uploads();
    expect(open.length).toBe(lost);
    const { bucket, key } = this.task;
    const swept = await this.store.sweep(`${bucket}/${key}`, { olderThan: new Date(Date.now() + 60_000) });
    expect(swept.map(({ uploadId }) => uploadId).sort()).toEqual(open);
    expect(await this.uploads()).toEqual([]);
  }
}
