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
import type { Happening } from "../../src/faults/fault.js";
import { faults } from "../../src/faults/fault.js";
import { type FaultProxy, startFaultProxy } from "../../src/faults/proxy.js";
import type { RequestPattern } from "../../src/faults/rules.js";
import { freshBucket, s3Client } from "../../src/s3/client.js";
import type { S3Server } from "../../src/s3/launcher.js";
import { CHILD, childArchive, type Way, type WayName, type WriteOrder, ways } from "./ways.js";

/** A request of a write. */
export type Step = "put" | "create" | "part 1" | "part 2" | "part 3" | "complete" | "abort";

/**
 * When something is killed: before the request reaches the server; when some of its body has, and the rest never does;
 * when the server has answered, and the writer has not been told.
 */
export type Fate = "before" | "within" | "answered";

/** A moment of a write. */
export interface Moment {
  readonly step: Step;
  readonly fate: Fate;
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

/** Every moment of a write: of its requests each fate that it can have. */
function momentsOf(way: Way): Moment[] {
  const of = (step: Step, ...fates: Fate[]): Moment[] => fates.map((fate) => ({ step, fate }));
  if (way.parts === 0) return of("put", "before", "within", "answered");
  const copy: Fate[] = way.copies ? ["before", "answered"] : ["before", "within", "answered"];
  return [
    ...of("create", "before", "answered"),
    ...of("part 1", "before", "within", "answered"),
    ...of("part 2", ...copy),
    ...(way.parts === 3 ? of("part 3", "before", "within", "answered") : []),
    ...of("complete", "before", "within", "answered"),
    ...of("abort", "before", "answered"),
  ];
}

/**
 * The moments that depend on the server: what it keeps of a request that was cut off, or whose answer was lost. Every
 * operation, and every kind of request.
 */
const telling: Readonly<Record<WayName, readonly string[]>> = {
  "a spool as one PUT": ["put within", "put answered"],
  "a spool in parts": ["create answered", "part 1 within", "complete answered"],
  "a sink as one PUT": ["put within", "put answered"],
  "a sink as one PUT over fetch": ["put within", "put answered"],
  "a sink in parts": ["part 2 answered", "complete within", "abort answered"],
  combine: ["part 2 answered", "complete before"],
  append: ["part 2 answered", "complete answered"],
  "an append by a spool": ["part 2 within", "complete answered"],
};

/** Every moment on the stand-in; on real servers, which would take minutes for that, those that depend on them. */
export function moments(name: WayName, server: S3Server): Moment[] {
  const all = momentsOf(ways[name]);
  if (server.kind === "stand-in") return all;
  return all.filter(({ step, fate }) => telling[name].includes(`${step} ${fate}`));
}

/** Whether the new object is there once the moment has come. */
export const commits = ({ step, fate }: Moment): boolean =>
  (step === "put" || step === "complete") && fate === "answered";

/** How many multipart uploads are open on the server then. */
export function openUploads({ step, fate }: Moment): number {
  if (step === "put") return 0;
  const ends = step === "complete" || step === "abort";
  return (step === "create" && fate === "before") || (ends && fate === "answered") ? 0 : 1;
}

/** What the journal of a spool says then, once nobody goes on with it. */
export function stateOf({ step }: Moment): PendingUpload["state"] {
  if (step === "put" || step === "complete") return "committing";
  return step === "create" ? "sealed" : "uploading";
}

/** A bucket of a server, with what the writes need. */
export class Scene {
  readonly server: S3Server;
  readonly bucket: string;
  readonly client: S3Client;
  readonly #olds = new Map<WayName, Uint8Array>();
  readonly #makes = new Map<WayName, Uint8Array>();
  #casts = 0;

  private constructor(server: S3Server, bucket: string) {
    this.server = server;
    this.bucket = bucket;
    this.client = s3Client(server);
  }

  static async open(server: S3Server): Promise<Scene> {
    const bucket = await freshBucket(server, "killed");
    const scene = new Scene(server, bucket);
    const put = (Key: string, Body: Uint8Array) =>
      scene.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    await put(CHILD, await childArchive());
    for (const name of Object.keys(ways) as WayName[]) {
      const old = await ways[name].old();
      scene.#olds.set(name, old);
      scene.#makes.set(name, await ways[name].makes());
      await put(`old ${name}`, old);
    }
    return scene;
  }

  close(): void {
    this.client.destroy();
  }

  /** Sets a write up: its own object, which is the old one, its own directory, and its own way to the server. */
  async cast(name: WayName): Promise<Cast> {
    const way = ways[name];
    const key = `${String(this.#casts++).padStart(3, "0")}/archive`;
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
    const put: PutMode = way.appends && way.spooled ? { ifMatch: CopyObjectResult!.ETag! } : "overwrite";
    return new Cast({
      scene: this,
      way,
      proxy,
      home,
      old: this.#olds.get(name)!,
      made: this.#makes.get(name)!,
      order: {
        way: name,
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

interface CastParts {
  readonly scene: Scene;
  readonly way: Way;
  readonly proxy: FaultProxy;
  /** A directory for everything of the write's: its spools, and its temporary files. */
  readonly home: string;
  readonly old: Uint8Array;
  readonly made: Uint8Array;
  readonly order: WriteOrder;
}

/** One write, and what can be seen of it from outside. */
export class Cast {
  readonly way: Way;
  readonly proxy: FaultProxy;
  readonly home: string;
  readonly order: WriteOrder;
  readonly store: S3Store;
  readonly #scene: Scene;
  readonly #old: Uint8Array;
  readonly #made: Uint8Array;
  /** Which versions of the object have been compared byte for byte, and which of the two they are. */
  readonly #seen = new Map<string, number>();

  constructor({ scene, way, proxy, home, old, made, order }: CastParts) {
    this.#scene = scene;
    this.way = way;
    this.proxy = proxy;
    this.home = home;
    this.#old = old;
    this.#made = made;
    this.order = order;
    this.store = s3Store({ ...order.access, writer: "fetch", retry: { firstDelay: 2 } });
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await rm(this.home, { recursive: true });
  }

  /** Has something happen at a moment, which must come. @returns whether it has */
  at({ step, fate }: Moment, what: Happening): () => boolean {
    if (step === "abort") {
      this.proxy.add({
        when: requests[`part ${this.way.parts as 2 | 3}`],
        fault: { kind: "answer", status: 403, code: "AccessDenied" },
      });
    }
    const fault =
      fate === "before"
        ? faults.before(what)
        : fate === "within"
          ? faults.within(what, step === "complete" ? 100 : 50_000)
          : faults.answered(what);
    const rule = this.proxy.add({ when: requests[step], fault, times: 1 });
    return () => rule.hits === 1;
  }

  /** Waits until nothing of the write is on its way any more. */
  async quiet(): Promise<void> {
    await vi.waitFor(() => expect(this.proxy.pending).toBe(0), { timeout: 10_000, interval: 5 });
    this.proxy.clear();
  }

  /** Whether the object is the old one or the new one, byte for byte, and can be read. Anything else fails. */
  async object(): Promise<"old" | "new"> {
    const { bucket, key } = this.order;
    const { ETag } = await this.#scene.client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    let there = this.#seen.get(ETag!);
    if (there === undefined) {
      const { Body } = await this.#scene.client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const bytes = await Body!.transformToByteArray();
      there = [this.#old, this.#made].findIndex((known) => Buffer.compare(bytes, known) === 0);
      expect({ there, size: bytes.length }).not.toMatchObject({ there: -1 });
      this.#seen.set(ETag!, there);
    }
    const archive = await openArchive(this.store.source(`${bucket}/${key}`));
    const { appends, copies } = this.way;
    const end = there === 0 ? (appends ? "first/end" : "end") : appends || copies ? "added/end" : "end";
    expect(await archive.read(end)).toBe(there === 0 && !appends ? "old" : "new");
    await archive.close();
    return there === 0 ? "old" : "new";
  }

  /** The ids of the uploads that are open at the object's place, as the server lists them. */
  async uploads(): Promise<string[]> {
    const { bucket, key } = this.order;
    const { Uploads = [] } = await this.#scene.client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }),
    );
    return Uploads.map(({ UploadId }) => UploadId!).sort();
  }

  pending(): Promise<PendingUpload[]> {
    return pendingUploads({ directory: this.order.directory });
  }

  /** Makes what is there look as if it were a day old. */
  async age(): Promise<void> {
    const { directory } = this.order;
    const yesterday = new Date(Date.now() - 86_400_000);
    for (const name of await readdir(directory)) await utimes(join(directory, name), yesterday, yesterday);
  }

  /** Goes on with what is left, or gives it up: it is known by what is listed, and by nothing else. */
  async dealWith(pending: PendingUpload, how: "resume" | "discard"): Promise<void> {
    const { bucket, key, put } = this.order;
    const target = this.store.target(`${bucket}/${key}`, { put });
    if (how === "resume")
      expect(await resumeUpload(pending, target)).toMatchObject({ size: this.#made.length });
    else await discardUpload(pending, target);
  }

  /**
   * Looks that no file is left, and that a sweep finds every open upload, which are to be so many.
   */
  async nothingElse(lost: number): Promise<void> {
    expect(await this.pending()).toEqual([]);
    const files = await readdir(this.home, { recursive: true, withFileTypes: true });
    expect(files.filter((entry) => !entry.isDirectory()).map(({ name }) => name)).toEqual([]);
    const open = await this.uploads();
    expect(open.length).toBe(lost);
    const { bucket, key } = this.order;
    const swept = await this.store.sweep(`${bucket}/${key}`, { olderThan: new Date(Date.now() + 60_000) });
    expect(swept.map(({ uploadId }) => uploadId).sort()).toEqual(open);
    expect(await this.uploads()).toEqual([]);
  }
}
