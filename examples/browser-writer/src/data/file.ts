import { listOf } from "@peekpack/core";
import { size } from "@peekpack/explorer/ui/format";
import { countRows, csvRows, dialectOf } from "./csv.js";
import { type Data, DataError, type PrepareContext, type Prepared } from "./data.js";
import { countLines, jsonLines } from "./lines.js";
import { wholeText } from "./text-chunks.js";

export type FileKind = "json" | "ndjson" | "csv";

/** The largest JSON document. It is parsed as a whole, and takes several times its size in memory. */
const MAX_DOCUMENT_BYTES = 256 * 2 ** 20;
/**
 * Rows of at most this size are indexed by blocks. Otherwise the table of contents of small rows would be as large as
 * their data. Larger rows have entries of their own.
 */
const MAX_BLOCKED_ROW = 4096;
/** The share of the first pass, which counts rows, in the progress. */
const COUNTING = 0.25;

/** The kind of a file by its name. Undefined for a file that the page cannot read. */
export function fileKind(name: string): FileKind | undefined {
  switch (name.toLowerCase().split(".").pop()) {
    case "json":
    case "geojson":
      return "json";
    case "ndjson":
    case "jsonl":
      return "ndjson";
    case "csv":
    case "tsv":
      return "csv";
    default:
      return undefined;
  }
}

/** The data of a file. A JSON document is written as it is, a file of rows as `{ file, rows }`. */
export function fileData(file: File, kind: FileKind): Data {
  return {
    name: file.name,
    expectedSize: undefined,
    prepare: (context) => (kind === "json" ? documentOf(file, context) : rowsOf(file, kind, context)),
  };
}

async function documentOf(file: File, { progress, unpaused }: PrepareContext): Promise<Prepared> {
  if (file.size > MAX_DOCUMENT_BYTES) {
    throw new DataError(
      `A JSON document is read as a whole. This one has ${size(file.size)}; the limit is ${size(MAX_DOCUMENT_BYTES)}. NDJSON, with one value a line, may have any size.`,
    );
  }
  await unpaused();
  const text = await wholeText(file);
  progress(0.5);
  try {
    const value: unknown = JSON.parse(text);
    progress(1);
    return { value, options: {} };
  } catch (error) {
    throw new DataError(`This is not JSON: ${(error as Error).message}.`);
  }
}

/** Reads in two passes. With a known count, rows are written one by one and none is kept in memory. */
async function rowsOf(file: File, kind: "ndjson" | "csv", context: PrepareContext): Promise<Prepared> {
  const first = (part: number): number => part * COUNTING;
  const second = (part: number): number => COUNTING + part * (1 - COUNTING);
  let count: number;
  let rows: AsyncIterable<unknown>;
  if (kind === "csv") {
    const dialect = await dialectOf(file);
    count = await countRows(file, dialect, context, first);
    rows = csvRows(file, dialect, context, second);
  } else {
    count = await countLines(file, context, first);
    rows = jsonLines(file, context, second);
  }
  const { name, size: bytes, lastModified } = file;
  return {
    value: { file: { name, bytes, modified: new Date(lastModified) }, rows: listOf(rows, { count }) },
    options: { trivialSize: MAX_BLOCKED_ROW },
  };
}
