import Papa from "papaparse";
import { type Course, DataError } from "./data.js";
import { textChunks } from "./text-chunks.js";

/** How a CSV file is written down, as its beginning shows. */
export interface Dialect {
  readonly delimiter: string;
  readonly newline: "\n" | "\r" | "\r\n";
}

/** One row as it is written into the archive, by the names of the file's first row. */
export type Row = Record<string, string | number | null>;

/** The longest row, in UTF-16 units: beyond it a quote was never closed. */
const LONGEST = 2 ** 26;
const SAMPLE = 2 ** 18;

/** Guesses the dialect from a file's beginning. */
export async function dialectOf(file: Blob): Promise<Dialect> {
  // Cut anywhere, a sample may end within a character: it is replaced, and does not matter here.
  const sample = new TextDecoder().decode(await file.slice(0, SAMPLE).arrayBuffer());
  const { delimiter, linebreak } = Papa.parse(sample, { preview: 20 }).meta;
  return { delimiter: delimiter || ",", newline: (linebreak as Dialect["newline"]) || "\n" };
}

/** The rows of a CSV file below its first one, which has the columns' names. Empty rows are passed over. */
export async function* csvRows(
  file: Blob,
  dialect: Dialect,
  course: Course,
  share?: (part: number) => number,
): AsyncGenerator<Row> {
  let names: readonly string[] | undefined;
  let number = 0;
  for await (const record of records(file, dialect, course, share)) {
    number++;
    if (names === undefined) names = columnNames(record);
    else yield rowOf(names, record, number);
  }
}

/** How many rows there are below the first one. */
export async function countRows(
  file: Blob,
  dialect: Dialect,
  course: Course,
  share?: (part: number) => number,
): Promise<number> {
  let count = -1;
  for await (const _ of records(file, dialect, course, share)) count++;
  return Math.max(0, count);
}

/**
 * Whole records from text that comes in pieces. Papa Parse's own streaming of files cuts characters of several bytes in
 * two, so that its parser is given decoded text here, and what is left of it again with the next piece.
 */
async function* records(
  file: Blob,
  { delimiter, newline }: Dialect,
  course: Course,
  share?: (part: number) => number,
): AsyncGenerator<string[]> {
  let rest = "";
  const parse = function* (text: string, last: boolean): Generator<string[]> {
    const parser = new Papa.Parser({ delimiter, newline });
    const { data, errors, meta } = parser.parse(text, 0, !last) as Papa.ParseResult<string[]>;
    // What is cut off looks like an open quote as well, and is parsed once more.
    const harm = last ? errors[0] : undefined;
    if (harm !== undefined) throw new DataError(`A row near the end cannot be read: ${harm.message}.`);
    for (const record of data) if (record.length > 1 || record[0]?.trim() !== "") yield record;
    rest = last ? "" : text.slice(meta.cursor);
    if (rest.length > LONGEST) throw new DataError("A row has over 64 MiB: was a quote never closed?");
  };
  for await (const chunk of textChunks(file, course, share)) yield* parse(rest + chunk, false);
  if (rest !== "") yield* parse(rest, true);
}

/** Names of columns: those without one get their number, those of which there are two a number behind. */
export function columnNames(record: readonly string[]): string[] {
  const taken = new Set<string>();
  return record.map((given, column) => {
    const base = given.trim() || `column ${column + 1}`;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base} ${n}`;
    taken.add(name);
    return name;
  });
}

function rowOf(names: readonly string[], record: readonly string[], number: number): Row {
  if (record.length > names.length) {
    throw new DataError(
      `Row ${number} has ${record.length} fields, and the first row names ${names.length} columns.`,
    );
  }
  // No prototype, so that a column may have any name.
  const row: Row = Object.create(null);
  for (const [column, name] of names.entries()) row[name] = cellOf(record[column]);
  return row;
}

/** Numbers that are written as JavaScript would write them; all else stays text, such as "007". Nothing at all is null. */
export function cellOf(text: string | undefined): string | number | null {
  if (text === undefined || text === "") return null;
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text ? number : text;
}
