import {
  type Archive,
  type ArchiveSink,
  HEADER_SIZE,
  LazyList,
  LazyMap,
  type PathKey,
  type Protocol,
} from "@peekpack/core";
import { codecOf, hasMagic, MAGIC } from "@peekpack/core/inspect";
import { encodeHeader } from "@peekpack/core/internal";
import type { Output } from "./output.js";

/** The encoded bytes at a path. */
export interface RawBytes {
  /** Whether they are an archive and not a value. */
  readonly isArchive: boolean;
  /** The first bytes: of an archive at least the header. */
  readonly first: Uint8Array;
  /** The bytes after them. */
  readonly rest: AsyncIterable<Uint8Array>;
}

/** Starts to read the encoded bytes at a path. @throws PeekpackError `bad-path` for a slice */
export async function rawBytesAt(
  archive: Archive,
  path: readonly PathKey[],
  signal?: AbortSignal,
): Promise<RawBytes> {
  const reader = archive.raw(path, { signal }).getReader();
  const first = (await reader.read()).value ?? new Uint8Array(0);
  async function* rest(): AsyncGenerator<Uint8Array> {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) yield chunk.value;
  }
  // A value never begins with the magic: a byte 0 is a whole item in both codecs.
  return { isArchive: hasMagic(first), first, rest: rest() };
}

/** Copies bytes to standard output. */
export async function copyBytes({ first, rest }: RawBytes, output: Output): Promise<void> {
  await output.write(first);
  for await (const chunk of rest) await output.write(chunk);
}

/** Copies the bytes of an archive into a sink, as a whole or not at all. */
export async function copyArchive({ first, rest }: RawBytes, sink: ArchiveSink): Promise<void> {
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
 * Makes an archive of one value from its encoded bytes, for repacking. The bytes still tell what a decoded value does
 * not, such as 1.0 from 1.
 */
export async function archiveOfValue(
  archive: Archive,
  path: readonly PathKey[],
  { first, rest }: RawBytes,
): Promise<Uint8Array> {
  const chunks = [first];
  for await (const chunk of rest) chunks.push(chunk);
  const data = Buffer.concat(chunks);
  const protocol = await codecAt(archive, path);
  // A map {"p": [0, end]}. The end is an integer of 8 bytes: readers take any width.
  const end = Buffer.alloc(8);
  end.writeBigUInt64BE(BigInt(data.length));
  const toc = Buffer.concat([
    Buffer.from(
      protocol === "cbor" ? [0xa1, 0x61, 0x70, 0x82, 0x00, 0x1b] : [0x81, 0xa1, 0x70, 0x92, 0x00, 0xcf],
    ),
    end,
  ]);
  return Buffer.concat([encodeHeader({ protocol, tocStart: data.length, tocSize: toc.length }), data, toc]);
}

/** The codec of the innermost archive around the value at a path. */
async function codecAt(archive: Archive, path: readonly PathKey[]): Promise<Protocol> {
  for (let length = path.length - 1; length > 0; length--) {
    const above = path.slice(0, length);
    const value = await archive.get(above);
    if (value instanceof LazyMap || value instanceof LazyList) return codecOf(value);
    const { isArchive, first } = await rawBytesAt(archive, above);
    // A field of the header begins with a byte 0 in MessagePack only.
    if (isArchive) return first[MAGIC.length] === 0 ? "msgpack" : "cbor";
  }
  return archive.info.codec;
}
