import { listOf } from "@peekpack/core";
import { size } from "@peekpack/explorer/ui/format";
import { countRows, csvRows, dialectOf } from "./csv.js";
import { type Course, type Data, DataError, type Prepared } from "./data.js";
import { countLines, jsonLines } from "./lines.js";
import { wholeText } from "./text-chunks.js";

export type FileKind = "json" | "ndjson" | "csv";

/** JSON is parsed as a whole, and then is in memory several times over. */
const LARGEST_DOCUMENT = 256 * 2 ** 20;
/**
 * Rows of up to so many bytes are indexed by blocks, and not one by one: the table of contents of a file of small rows
 * would else be as large as its data. Rows from here on have entries of their own.
 */
const BLOCKED_ROW = 4096;
/** Which share of the progress is the first pass, which only counts. */
const COUNTING = 0.25;

/** The kind of a file, by its name. Undefined for one that the page does not read. */
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

/** The data of a file. JSON comes as it is; a file of rows as `{ file, rows }`. */
export function fileData(file: File, kind: FileKind): Data {
  return {
    name: file.name,
    expectedSize: undefined,
    prepare: (course) => (kind === "json" ? documentOf(file, course) : rowsOf(file, kind, course)),
  };
}

async function documentOf(file: File, { made, go }: Course): Promise<Prepared> {
  if (file.size > LARGEST_DOCUMENT) {
    throw new DataError(
      `A JSON document is taken into memory as a whole, and this one has ${size(file.size)}; up to ${size(LARGEST_DOCUMENT)} is sensible. NDJSON, with one value a line, may have any size.`,
    );
  }
  await go();
  const text = await wholeText(file);
  made(0.5);
  try {
    const value: unknown = JSON.parse(text);
    made(1);
    return { value, options: {} };
  } catch (error) {
    throw new DataError(`This is not JSON: ${(error as Error).message}.`);
  }
}

/** Two passes: with their count known, rows are written as they come, and none is held. */
async function rowsOf(file: File, kind: "ndjson" | "csv", course: Course): Promise<Prepared> {
  const first = (part: number): number => part * COUNTING;
  const second = (part: number): number => COUNTING + part * (1 - COUNTING);
  let count: number;
  let rows: AsyncIterable<unknown>;
  if (kind === "csv") {
    const dialect = await dialectOf(file);
    count = await countRows(file, dialect, course, first);
    rows = csvRows(file, dialect, course, second);
  } else {
    count = await countLines(file, course, first);
    rows = jsonLines(file, course, second);
  }
  const { name, size: bytes, lastModified } = file;
  return {
    value: { file: { name, bytes, modified: new Date(lastModified) }, rows: listOf(rows, { count }) },
    options: { trivialSize: BLOCKED_ROW },
  };
}
