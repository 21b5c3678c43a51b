import { PeekpackError } from "../errors.js";
import { encodeHeader, HEADER_SIZE } from "../format/header.js";
import { ArchiveEncoder, NeedsStream } from "./encoder.js";
import { placed } from "./misplaced.js";
import { type EncodeOptions, packerFor, resolveEncodeOptions } from "./options.js";
import { SlabFull } from "./packer.js";
import { indexChunks } from "./table-indexer.js";

/**
 * The buffer of the last call, reused by the next one: a speed trick. Growing a new buffer for every archive costs as much as
 * encoding it, mostly in the garbage collector (benchmarks, "encode"). The reference is weak, so that the buffer goes when
 * memory is short. A call takes it away while it uses it.
 */
let spare: WeakRef<Uint8Array<ArrayBuffer>> | undefined;

/** Limit for an archive in memory: the encoder keeps offsets in 32 bits. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Encodes a value as an archive in memory: header, data, table of contents, and a page index if the option asks for one.
 *
 * Arrays, typed arrays and Sets become lists; plain objects and Maps become maps. Integral numbers are written as integers
 * ({@link float64} marks one as a float), bigints as integers, Uint8Arrays and ArrayBuffers as byte strings. Values that must
 * be consumed or awaited (iterables, `mapOf`, `listOf`, lazy handles) need {@link writeArchive}.
 *
 * Returns an array of exactly the archive's size.
 *
 * @throws PeekpackError `unsupported-value` with the path of a value that the format cannot hold: functions, symbols, class
 *   instances, lone surrogates, integers out of range, undefined (msgpack) …; `limit` for nesting too deep, for cycles, and
 *   for more than 2 GiB.
 * @throws TypeError or RangeError for options of the wrong type or value.
 */
export function encodeArchive(value: unknown, options?: EncodeOptions): Uint8Array {
  const resolved = resolveEncodeOptions(options);
  const data = packerFor(resolved.protocol, spare?.deref() ?? 64 * 1024);
  spare = undefined;
  const toc = packerFor(resolved.protocol, 4 * 1024);
  data.pos = HEADER_SIZE;
  data.limit = MOST_BYTES;
  const encoder = new ArchiveEncoder(data, toc, -HEADER_SIZE, resolved);
  try {
    encoder.value(value, 0);
  } catch (error) {
    if (error instanceof SlabFull) {
      throw new PeekpackError(
        "limit",
        "An archive in memory has at most 2 GiB; writeArchive has no such limit.",
      );
    }
    if (!(error instanceof NeedsStream)) throw placed(error);
    throw new PeekpackError(
      "unsupported-value",
      "The value holds an iterable or a lazy handle, which writeArchive can write and encodeArchive cannot.",
    );
  }
  if (toc.pos === 0) encoder.toc.span(0, encoder.position, 1);
  data.limit = Number.POSITIVE_INFINITY;
  const tocStart = encoder.position;
  const header = encodeHeader({ protocol: resolved.protocol, tocStart, tocSize: toc.pos });
  const table = toc.buf.subarray(0, toc.pos);
  data.raw(table);
  for (const chunk of indexChunks(resolved, tocStart, table)) data.raw(chunk);
  data.buf.set(header);
  spare = new WeakRef(data.buf);
  return data.buf.slice(0, data.pos);
}
