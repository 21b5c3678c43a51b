import { setImmediate } from "node:timers/promises";
import { type ListStream, listOf, PeekpackError } from "@peekpack/core";
import { CsvRows, type Delimiter } from "./csv-rows.js";
import type { BytesListener, InputFile } from "./input-file.js";
import { parsed } from "./json-document.js";
import { decodeText, markLength } from "./text.js";

const CHUNK = 1024 * 1024;
const LINE_FEED = 0x0a;
/** A longer line, or row with a quote that is not closed, is refused: it would be kept in memory. */
const MAX_LINE = 64 * 1024 * 1024;

/** The rows of a file, twice: to count them, and to write them. */
interface Rows {
  count(input: InputFile, onBytes: BytesListener): Promise<number>;
  read(input: InputFile, onBytes: BytesListener): Iterable<unknown>;
}

/**
 * The list of all rows of some files, for `writeArchive`. The files are read twice, because a list begins with its count, and
 * only some rows are in memory.
 */
export async function rowsOf(
  inputs: readonly InputFile[],
  format: "ndjson" | Delimiter,
  onBytes: BytesListener,
): Promise<ListStream> {
  const rows = format === "ndjson" ? jsonLines : csvRows(format);
  const sizes = inputs.map(({ size }) => size);
  const before = (i: number): number => sizes.slice(0, i).reduce((sum, size) => sum + size, 0);
  const listener =
    (i: number): BytesListener =>
    (action, bytes) =>
      onBytes(action, before(i) + bytes);
  let count = 0;
  for (const [i, input] of inputs.entries()) count += await rows.count(input, listener(i));
  function* all(): Generator<unknown> {
    for (const [i, input] of inputs.entries()) yield* rows.read(input, listener(i));
  }
  return listOf(all(), { count });
}

/** Chunks of whole lines. */
function* lineChunks(input: InputFile, onBytes: BytesListener, action: string): Generator<Buffer> {
  let from = markLength(input.read(0, Math.min(3, input.size)));
  for (let length = CHUNK; from < input.size; ) {
    const bytes = input.read(from, Math.min(input.size, from + length));
    const end = from + bytes.length === input.size ? bytes.length : bytes.lastIndexOf(LINE_FEED) + 1;
    if (end === 0) {
      length *= 2;
      if (length > MAX_LINE) {
        throw new PeekpackError("limit", `${input.name} has a line of more than 64 MiB (byte ${from})`);
      }
      continue;
    }
    length = CHUNK;
    yield bytes.subarray(0, end);
    from += end;
    onBytes(action, from);
  }
}

/** One JSON value a line. Blank lines are skipped. */
const jsonLines: Rows = {
  async count(input, onBytes) {
    let count = 0;
    for (const chunk of lineChunks(input, onBytes, "counting")) {
      for (let at = 0; at < chunk.length; ) {
        const feed = chunk.indexOf(LINE_FEED, at);
        const end = feed < 0 ? chunk.length : feed;
        while (at < end && chunk[at]! <= 0x20) at++;
        if (at < end) count++;
        at = end + 1;
      }
      // Signals are heard in between.
      await setImmediate();
    }
    return count;
  },
  *read(input, onBytes) {
    let number = 0;
    for (const chunk of lineChunks(input, onBytes, "writing")) {
      const lines = decodeText(chunk, input.name).split("\n");
      // What follows the last line feed is no line.
      if (lines.at(-1) === "") lines.pop();
      for (const line of lines) {
        number++;
        if (!isBlank(line)) yield parsed(line, `line ${number} of ${input.name}`);
      }
    }
  },
};

/** Whether there is only what counting skips. */
function isBlank(line: string): boolean {
  for (let i = 0; i < line.length; i++) if (line.charCodeAt(i) > 0x20) return false;
  return true;
}

/** Rows of a table in text, by the names in the first row of each file. */
function csvRows(delimiter: Delimiter): Rows {
  function* batches(input: InputFile, onBytes: BytesListener, action: string): Generator<unknown[]> {
    const rows = new CsvRows(input.name, delimiter, MAX_LINE);
    for (const chunk of lineChunks(input, onBytes, action)) yield rows.push(decodeText(chunk, input.name));
    yield rows.end();
  }
  return {
    async count(input, onBytes) {
      let count = 0;
      for (const batch of batches(input, onBytes, "counting")) {
        count += batch.length;
        await setImmediate();
      }
      return count;
    },
    *read(input, onBytes) {
      for (const batch of batches(input, onBytes, "writing")) yield* batch;
    },
  };
}
