import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TaggedJson } from "../fixtures/notation.js";
import type { S3Access } from "../s3/client.js";
import { livePython } from "./environment.js";
import { pythonEnvironment } from "./run.js";

/** The location of an archive: a file, or "bucket/key" on the S3 server that the peer was started with. */
export type ArchiveLocation = { readonly file: string } | { readonly s3: string };

export interface PeerSettings {
  /** Default 8192. */
  readonly threshold?: number | undefined;
  /** Default 20. */
  readonly trivial?: number | undefined;
  /** Writes numpy arrays as pickles, and reads them back as arrays. Default false. */
  readonly numpyEncoder?: boolean | undefined;
}

/** "msgspec" writes MessagePack by another library, which encodes instants differently and reads keys that are not strings. */
export type PeerCodec = "msgpack" | "msgspec" | "cbor";
export type PeerBackend = "python" | "rust";

export interface PeerWrite extends PeerSettings {
  readonly target: ArchiveLocation;
  readonly value: TaggedJson;
  readonly codec: PeerCodec;
  readonly backend?: PeerBackend | undefined;
}

export interface PeerRead extends PeerSettings {
  readonly source: ArchiveLocation;
  /** Strings or arrays of segments; an empty one is the root. */
  readonly paths: readonly (string | readonly TaggedJson[])[];
  /** Default: detected from the archive. */
  readonly codec?: PeerCodec | undefined;
}

/** The value at one path, or Python's error ("KeyError: 'x'"). */
export type PeerResult =
  | { readonly value: TaggedJson; readonly error?: undefined }
  | { readonly error: string; readonly value?: undefined };

export interface PeerCombine extends PeerSettings {
  readonly target: ArchiveLocation;
  readonly children: readonly (
    | { readonly name?: string | undefined; readonly source: ArchiveLocation }
    | { readonly name?: string | undefined; readonly value: TaggedJson }
  )[];
  /** Codec of the outer archive and of children given as values. */
  readonly codec: PeerCodec;
  readonly backend?: PeerBackend | undefined;
}

/** A Python exception. */
export class PeerError extends Error {
  /** Class name: "ValueError". */
  readonly type: string;

  constructor(type: string, message: string) {
    super(`${type}: ${message}`);
    this.name = "PeerError";
    this.type = type;
  }
}

/** A live msglc in a child process. Requests run in order. */
export class MsglcPeer {
  readonly versions: Readonly<Record<string, string>>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();
  #errors = "";

  constructor(child: ChildProcessWithoutNullStreams, versions: Readonly<Record<string, string>>) {
    this.#child = child;
    this.versions = versions;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    child.stdin.on("error", () => {});
  }

  /** Writes a value as an archive. */
  async write(request: PeerWrite): Promise<void> {
    await this.#request("write", request);
  }

  /** Encodes a value in memory. msglc always uses its python backend for this. */
  async encode(request: Omit<PeerWrite, "target" | "backend">): Promise<Uint8Array> {
    return Buffer.from((await this.#request("encode", request)) as string, "base64");
  }

  /** Reads the values at the given paths of an archive. */
  async read(request: PeerRead): Promise<PeerResult[]> {
    return (await this.#request("read", request)) as PeerResult[];
  }

  /** Reads the whole archive. @throws PeerError */
  async readAll(source: ArchiveLocation): Promise<TaggedJson> {
    const [result] = await this.read({ source, paths: [""] });
    if (result?.value === undefined) throw new PeerError("read", result?.error ?? "no result");
    return result.value;
  }

  /** Combines archives and values into one archive. */
  async combine(request: PeerCombine): Promise<void> {
    await this.#request("combine", request);
  }

  /** Appends archives and values to a combined archive. */
  async append(request: PeerCombine): Promise<void> {
    await this.#request("append", request);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(timer);
  }

  #request(what: string, request: object): Promise<unknown> {
    const result = this.#last.then(async () => {
      this.#child.stdin.write(`${JSON.stringify({ ...request, do: what })}\n`);
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`the msglc process has ended:\n${this.#errors}`);
      const parsed = JSON.parse(value) as { result: unknown; error?: { type: string; message: string } };
      if (parsed.error !== undefined) throw new PeerError(parsed.error.type, parsed.error.message);
      return parsed.result;
    });
    this.#last = result.catch(() => {});
    return result;
  }
}

/**
 * Starts a live msglc.
 * @param access the S3 server of locations `{ s3 }`
 * @throws Error if there is no live Python; check {@link livePython} first
 */
export async function startPeer(access?: S3Access): Promise<MsglcPeer> {
  const live = await livePython();
  if (live.absent !== undefined) throw new Error(`no live msglc: ${live.absent}`);
  const script = fileURLToPath(new URL("../../src/python/peer.py", import.meta.url));
  const child = spawn(live.python, [script], {
    env: {
      ...process.env,
      ...pythonEnvironment,
      ...(access === undefined
        ? {}
        : {
            PEEKPACK_S3_ENDPOINT: access.endpoint,
            PEEKPACK_S3_REGION: access.region,
            PEEKPACK_S3_ACCESS_KEY_ID: access.credentials.accessKeyId,
            PEEKPACK_S3_SECRET_ACCESS_KEY: access.credentials.secretAccessKey,
          }),
    },
  });
  await once(child, "spawn");
  return new MsglcPeer(child, live.versions);
}
