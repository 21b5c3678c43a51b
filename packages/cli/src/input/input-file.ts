import { closeSync, createReadStream, fstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { PeekpackError } from "@peekpack/core";
import type { Context } from "../command.js";

/** The bytes of an input, by position. Reads block: the writer consumes values without awaiting. */
export interface InputFile {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /** The bytes from `start` to `end`. A view, or a copy. @throws PeekpackError `changed` if the file is shorter now */
  read(start: number, end: number): Buffer;
  /** Fills a buffer with the bytes from `start` on. @throws PeekpackError `changed` if the file is shorter now */
  fill(bytes: Buffer, start: number): void;
  close(): Promise<void>;
}

/** Called with what is done with an input, and how far. */
export type BytesListener = (action: string, bytes: number) => void;

/** A stream up to this size is kept in memory. A longer one goes to a temporary file. */
const MAX_IN_MEMORY = 16 * 1024 * 1024;

/** Opens a file, or standard input for `-`. Streams are read to their end: values need to be read twice. */
export async function openInput(text: string, { stdin, signal }: Context): Promise<InputFile> {
  if (text === "-") return streamInput("standard input", stdin, signal);
  const file = openSync(text, "r");
  const stats = fstatSync(file);
  if (stats.isFile()) return fileInput(text, file, stats.size);
  if (stats.isDirectory()) {
    closeSync(file);
    throw new PeekpackError("unsupported-value", `${text} is a directory`);
  }
  return streamInput(text, createReadStream(text, { fd: file }), signal);
}

function fileInput(name: string, file: number, size: number): InputFile {
  const fill = (bytes: Buffer, start: number): void => {
    for (let at = 0; at < bytes.length; ) {
      const count = readSync(file, bytes, at, bytes.length - at, start + at);
      if (count === 0) throw new PeekpackError("changed", `${name} has become shorter meanwhile`);
      at += count;
    }
  };
  return {
    name,
    size,
    fill,
    read(start, end) {
      const bytes = Buffer.allocUnsafe(end - start);
      fill(bytes, start);
      return bytes;
    },
    async close() {
      closeSync(file);
    },
  };
}

async function streamInput(
  name: string,
  stream: Readable,
  signal: AbortSignal | undefined,
): Promise<InputFile> {
  if (signal !== undefined) addAbortSignal(signal, stream);
  let chunks: Buffer[] = [];
  let size = 0;
  let temporary: { readonly folder: string; readonly file: number } | undefined;
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk as Uint8Array);
      if (temporary === undefined && size + bytes.length > MAX_IN_MEMORY) {
        temporary = await temporaryFile();
        for (const kept of chunks) writeAll(temporary.file, kept);
        chunks = [];
      }
      if (temporary === undefined) chunks.push(bytes);
      else writeAll(temporary.file, bytes);
      size += bytes.length;
    }
  } catch (error) {
    if (temporary !== undefined) await remove(temporary);
    throw error;
  }
  if (temporary !== undefined) {
    const opened = temporary;
    return { ...fileInput(name, opened.file, size), close: () => remove(opened) };
  }
  const whole = Buffer.concat(chunks);
  return {
    name,
    size,
    read: (start, end) => whole.subarray(start, end),
    fill: (bytes, start) => void whole.copy(bytes, 0, start),
    close: async () => {},
  };
}

async function temporaryFile(): Promise<{ readonly folder: string; readonly file: number }> {
  const folder = await mkdtemp(join(tmpdir(), "peekpack-input-"));
  const path = join(folder, "input");
  const file = openSync(path, "wx+", 0o600);
  try {
    // Open, but without a name: a killed process leaves an empty folder at most.
    rmSync(path);
    rmSync(folder, { recursive: true });
  } catch {
    // Windows keeps the name of an open file. It is removed in the end.
  }
  return { folder, file };
}

async function remove({ folder, file }: { readonly folder: string; readonly file: number }): Promise<void> {
  closeSync(file);
  await rm(folder, { recursive: true, force: true });
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
