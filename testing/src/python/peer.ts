import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TaggedJson } from "../fixtures/notation.js";
import type { S3Access } from "../s3/client.js";
import { livePython } from "./environment.js";
import { pythonEnvironment } from "./run.js";

/** Where an archive lies: a file, or "bucket/key" on the S3 that the peer was started with. */
export type Place = { readonly file: string } | { readonly s3: string };

export interface PeerSettings {
  /** Default 8192. */
  readonly threshold?: number | undefined;
  /** Default 20. */
  readonly trivial?: number | undefined;
  /** Writes arrays as pickles, or reads them as arrays. Default false. */
  readonly numpyEncoder?: boolean | undefined;
}

/** "msgspec" writes msgpack through another library, which differs in instants and reads keys that are not text. */
export type PeerCodec = "msgpack" | "msgspec" | "cbor";
export type PeerBackend = "python" | "rust";

export interface PeerWrite extends PeerSettings {
  readonly target: Place;
  readonly value: TaggedJson;
  readonly codec: PeerCodec;
  readonly backend?: PeerBackend | undefined;
}

export interface PeerRead extends PeerSettings {
  readonly source: Place;
  /** Text, or segments; both empty mean the root. */
  readonly paths: readonly (string | readonly TaggedJson[])[];
  /** Default: found out from the archive. */
  readonly codec?: PeerCodec | undefined;
}

/** What one path gives: the value whole, or the error in Python's words ("KeyError: 'x'"). */
export type PeerAnswer =
  | { readonly value: TaggedJson; readonly error?: undefined }
  | { readonly error: string; readonly value?: undefined };

export interface PeerJoin extends PeerSettings {
  readonly target: Place;
  readonly children: readonly (
    | { readonly name?: string | undefined; readonly source: Place }
    | { readonly name?: string | undefined; readonly value: TaggedJson }
  )[];
  /** Of the outer archive, and of the children given as values. */
  readonly codec: PeerCodec;
  readonly backend?: PeerBackend | undefined;
}

/** An exception of Python. */
export class PeerError extends Error {
  /** The exception's class: "ValueError". */
  readonly type: string;

  constructor(type: string, message: string) {
    super(`${type}: ${message}`);
    this.name = "PeerError";
    this.type = type;
  }
}

/** A live msglc in a process of its own, which does one thing after the other. */
export class MsglcPeer {
  readonly versions: Readonly<Record<string, string>>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();
  #errors = "";

  constructor(child: ChildProcessWithoutNullStreams, versions: Readonly<Record<string, string>>) {
    this.#child = child;
    this.versions = versions;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    child.stdin.on("error", () => {});
  }

  /** Writes a value as an archive. */
  async write(request: PeerWrite): Promise<void> {
    await this.#ask("write", request);
  }

  /** Encodes a value in memory, which msglc always does with its python backend. */
  async encode(request: Omit<PeerWrite, "target" | "backend">): Promise<Uint8Array> {
    return Buffer.from((await this.#ask("encode", request)) as string, "base64");
  }

  /** Reads the values at the given paths of an archive, each whole. */
  async read(request: PeerRead): Promise<PeerAnswer[]> {
    return (await this.#ask("read", request)) as PeerAnswer[];
  }

  /** Reads everything in an archive. @throws PeerError */
  async readAll(source: Place): Promise<TaggedJson> {
    const [answer] = await this.read({ source, paths: [""] });
    if (answer?.value === undefined) throw new PeerError("read", answer?.error ?? "no answer");
    return answer.value;
  }

  /** Combines archives and values into one archive. */
  async combine(request: PeerJoin): Promise<void> {
    await this.#ask("combine", request);
  }

  /** Appends archives and values to a combined archive. */
  async append(request: PeerJoin): Promise<void> {
    await this.#ask("append", request);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(late);
  }

  #ask(what: string, request: object): Promise<unknown> {
    const answer = this.#last.then(async () => {
      this.#child.stdin.write(`${JSON.stringify({ ...request, do: what })}\n`);
      const { value, done } = await this.#answers.next();
      if (done === true) throw new Error(`the live msglc has ended:\n${this.#errors}`);
      const parsed = JSON.parse(value) as { answer: unknown; error?: { type: string; message: string } };
      if (parsed.error !== undefined) throw new PeerError(parsed.error.type, parsed.error.message);
      return parsed.answer;
    });
    this.#last = answer.catch(() => {});
    return answer;
  }
}

/**
 * Starts a live msglc.
 * @param access the S3 that places of the form { s3 } lie on
 * @throws Error when there is no live Python: ask {@link livePython} first
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
