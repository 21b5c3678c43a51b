import { PeekpackError } from "../errors.js";
import { encodeHeader, HEADER_SIZE } from "../format/header.js";
import { ArchiveEncoder, NeedsStream } from "./encoder.js";
import { placed } from "./misplaced.js";
import { type EncodeOptions, packerFor, resolveEncodeOptions } from "./options.js";
import { SlabFull } from "./packer.js";
import { indexChunks } from "./table-indexer.js";

/**
 * The buffer of the last call, for the next one: a speed trick, and the only state of this module. To grow a buffer anew for
 * every archive costs as much as encoding it, most of it in the garbage collector (benchmarks, "encode"). It is held
 * weakly, so that it is gone when memory is short, and taken away while it is in use.
 */
let spare: WeakRef<Uint8Array<ArrayBuffer>> | undefined;

/** Most bytes of an archive made in memory: the encoder counts places in 32 bits. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Encodes a value as a whole archive in memory: header, data and table of contents in one array.
 *
 * Lists are arrays, typed arrays and Sets; maps are plain objects and Maps. Integral numbers are written as integers
 * ({@link float64} marks one as a float), bigints as integers, Uint8Arrays and ArrayBuffers as byte strings. What must be
 * consumed or awaited (iterables, `mapOf`, `listOf`, lazy handles) needs {@link writeArchive}.
 *
 * Gives an array of exactly its size.
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
        "An archive made in memory takes at most 2 GiB; writeArchive has no such bound.",
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
