import Papa from "papaparse";
import { DataError, type PrepareContext } from "./data.js";
import { textChunks } from "./text-chunks.js";

/** The dialect of a CSV file. */
export interface Dialect {
  readonly delimiter: string;
  readonly newline: "\n" | "\r" | "\r\n";
}

/** One row in the archive, by the names in the first row of the file. */
export type Row = Record<string, string | number | null>;

/** The longest row, in UTF-16 units. A longer one has an unclosed quote. */
const MAX_ROW = 2 ** 26;
const SAMPLE = 2 ** 18;

/** Guesses the dialect from the beginning of a file. */
export async function dialectOf(file: Blob): Promise<Dialect> {
  // The sample may end within a character. The replacement character does not matter here.
  const sample = new TextDecoder().decode(await file.slice(0, SAMPLE).arrayBuffer());
  const { delimiter, linebreak } = Papa.parse(sample, { preview: 20 }).meta;
  return { delimiter: delimiter || ",", newline: (linebreak as Dialect["newline"]) || "\n" };
}

/** The rows of a CSV file, without the first row with the names of the columns. Empty rows are skipped. */
export async function* csvRows(
  file: Blob,
  dialect: Dialect,
  context: PrepareContext,
  share?: (part: number) => number,
): AsyncGenerator<Row> {
  let names: readonly string[] | undefined;
  let number = 0;
  for await (const record of records(file, dialect, context, share)) {
    number++;
    if (names === undefined) names = columnNames(record);
    else yield rowOf(names, record, number);
  }
}

/** The number of rows, without the first one. */
export async function countRows(
  file: Blob,
  dialect: Dialect,
  context: PrepareContext,
  share?: (part: number) => number,
): Promise<number> {
  let count = -1;
  for await (const _ of records(file, dialect, context, share)) count++;
  return Math.max(0, count);
}

/**
 * Whole records from a file that is read in chunks. Papa Parse's own streaming splits characters of several bytes. Here its
 * parser gets decoded text, and the unparsed rest is put before the next chunk.
 */
async function* records(
  file: Blob,
  { delimiter, newline }: Dialect,
  context: PrepareContext,
  share?: (part: number) => number,
): AsyncGenerator<string[]> {
  let rest = "";
  const parse = function* (text: string, last: boolean): Generator<string[]> {
    const parser = new Papa.Parser({ delimiter, newline });
    const { data, errors, meta } = parser.parse(text, 0, !last) as Papa.ParseResult<string[]>;
    // A cut record looks like an open quote too, and is parsed again.
    const problem = last ? errors[0] : undefined;
    if (problem !== undefined) throw new DataError(`A row near the end cannot be read: ${problem.message}.`);
    for (const record of data) if (record.length > 1 || record[0]?.trim() !== "") yield record;
    rest = last ? "" : text.slice(meta.cursor);
    if (rest.length > MAX_ROW) throw new DataError("A row has over 64 MiB. Is a quote not closed?");
  };
  for await (const chunk of textChunks(file, context, share)) yield* parse(rest + chunk, false);
  if (rest !== "") yield* parse(rest, true);
}

/** Unique names of columns: a missing name becomes the number of the column, a duplicate gets a number appended. */
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

/** A number if JavaScript prints it the same way, null if the text is empty, else the text: "007" stays text. */
export function cellOf(text: string | undefined): string | number | null {
  if (text === undefined || text === "") return null;
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text ? number : text;
}
