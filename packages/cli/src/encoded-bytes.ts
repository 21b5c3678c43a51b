/** Encoded bytes as they lie in an archive: whether they are one of their own, copied, or made into one. */
import { type Archive, type ArchiveSink, LazyList, LazyMap, type PathKey } from "@peekpack/core";
import { codecOf, HEADER_SIZE, hasMagic, MAGIC } from "@peekpack/core/inspect";
import type { Output } from "./output.js";

/** The bytes of what lies at a path. */
export interface EncodedBytes {
  /** Whether it is an archive of its own, and not a value. */
  readonly isArchive: boolean;
  /** The first bytes: of an archive the header at least. */
  readonly first: Uint8Array;
  /** The bytes behind them. */
  readonly rest: AsyncIterable<Uint8Array>;
}

/** Begins to read the bytes of what lies at a path. @throws PeekpackError `bad-path` for a slice */
export async function encodedAt(
  archive: Archive,
  path: readonly PathKey[],
  signal?: AbortSignal,
): Promise<EncodedBytes> {
  const reader = archive.raw(path, { signal }).getReader();
  const first = (await reader.read()).value ?? new Uint8Array(0);
  async function* rest(): AsyncGenerator<Uint8Array> {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) yield chunk.value;
  }
  // A value never begins with the magic: a byte 0 is a whole item in both codecs.
  return { isArchive: hasMagic(first), first, rest: rest() };
}

/** Copies bytes to standard output. */
export async function copyBytes({ first, rest }: EncodedBytes, output: Output): Promise<void> {
  await output.write(first);
  for await (const chunk of rest) await output.write(chunk);
}

/** Copies the bytes of an archive into a sink, whole or not at all. */
export async function copyArchive({ first, rest }: EncodedBytes, sink: ArchiveSink): Promise<void> {
  try {
    await sink.write(first.slice(HEADER_SIZE));
    for await (const chunk of rest) await sink.write(chunk);
    await sink.finish(first.slice(0, HEADER_SIZE));
  } catch (error) {
    await sink.abort(error).catch(() => {});
    throw error;
  }
}

/**
 * An archive of one value made from its encoded bytes, to be repacked: what a decoded value no longer tells, such as 1.0
 * from 1, is still there.
 */
export async function archiveOfValue(
  archive: Archive,
  path: readonly PathKey[],
  { first, rest }: EncodedBytes,
): Promise<Uint8Array> {
  const chunks = [first];
  for await (const chunk of rest) chunks.push(chunk);
  const data = Buffer.concat(chunks);
  // Map of one entry "p", list of two, 0, and where the data ends in 8 bytes; fields in 8 bytes too: readers take any width.
  const cbor = (await codecAt(archive, path)) === "cbor";
  const toc = Buffer.concat([
    Buffer.from(cbor ? [0xa1, 0x61, 0x70, 0x82, 0x00, 0x1b] : [0x81, 0xa1, 0x70, 0x92, 0x00, 0xcf]),
    bigEndian(data.length),
  ]);
  const field = (value: number): Buffer =>
    Buffer.concat(
      cbor ? [Buffer.of(0x1b), bigEndian(value), Buffer.of(0)] : [Buffer.of(0, 0xcf), bigEndian(value)],
    );
  return Buffer.concat([MAGIC, field(data.length), field(toc.length), data, toc]);
}

/** The codec of the innermost archive around what lies at a path. */
async function codecAt(archive: Archive, path: readonly PathKey[]): Promise<"msgpack" | "cbor"> {
  for (let length = path.length - 1; length > 0; length--) {
    const above = path.slice(0, length);
    const value = await archive.get(above);
    if (value instanceof LazyMap || value instanceof LazyList) {
      return codecOf(value);
    }
    const { isArchive, first } = await encodedAt(archive, above);
    // Fields begin with a byte 0 in msgpack only.
    if (isArchive) return first[MAGIC.length] === 0 ? "msgpack" : "cbor";
  }
  return archive.info.codec;
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
