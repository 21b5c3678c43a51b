import { PeekpackError } from "@peekpack/core";
import Papa from "papaparse";

/** What separates the cells of a row. */
export type Delimiter = "csv" | "tsv";

/** One row, by the names in the first row of the file. */
export type Row = Record<string, string | number | null>;

/** Parses the text of a table piece by piece. The first row names the columns. Empty rows are skipped. */
export class CsvRows {
  readonly #name: string;
  readonly #delimiter: string | undefined;
  readonly #maxLength: number;
  #guess: string | undefined;
  #newline: "\n" | "\r\n" | undefined;
  #rest = "";
  #columns: readonly string[] | undefined;
  #number = 0;

  /**
   * @param name for messages
   * @param maxLength longest row, in UTF-16 units
   */
  constructor(name: string, delimiter: Delimiter, maxLength: number) {
    this.#name = name;
    this.#delimiter = delimiter === "tsv" ? "\t" : undefined;
    this.#maxLength = maxLength;
  }

  /** The rows that end in the next piece of text, which ends with a line. */
  push(text: string): Row[] {
    return this.#parse(this.#rest + text, false);
  }

  /** The rows after the last piece of text. */
  end(): Row[] {
    return this.#rest === "" ? [] : this.#parse(this.#rest, true);
  }

  #parse(text: string, isLast: boolean): Row[] {
    this.#newline ??= /^[^\n]*\r\n/.test(text) ? "\r\n" : "\n";
    const parser = new Papa.Parser({ delimiter: this.#separator(text), newline: this.#newline });
    const { data, errors, meta } = parser.parse(text, 0, !isLast) as Papa.ParseResult<string[]>;
    // A cut row looks like an open quote too, and is parsed again.
    const problem = isLast ? errors[0] : undefined;
    if (problem !== undefined) {
      throw new PeekpackError(
        "corrupt",
        `${this.#name}: a row near the end cannot be read: ${problem.message}`,
      );
    }
    this.#rest = isLast ? "" : text.slice(meta.cursor);
    if (this.#rest.length > this.#maxLength) {
      throw new PeekpackError(
        "limit",
        `${this.#name}: row ${this.#number + 1} is too long: is a quote not closed?`,
      );
    }
    const rows: Row[] = [];
    for (const cells of data) {
      if (cells.length === 1 && cells[0]?.trim() === "") continue;
      this.#number++;
      if (this.#columns === undefined) this.#columns = columnNames(cells);
      else rows.push(this.#row(cells, this.#columns));
    }
    return rows;
  }

  /** A comma, unless the first row has semicolons or tabs instead. */
  #separator(text: string): string {
    if (this.#delimiter !== undefined) return this.#delimiter;
    this.#guess ??= guessDelimiter(text.slice(0, text.indexOf("\n") >>> 0));
    return this.#guess;
  }

  #row(cells: readonly string[], columns: readonly string[]): Row {
    if (cells.length > columns.length) {
      throw new PeekpackError(
        "corrupt",
        `${this.#name}: row ${this.#number} has ${cells.length} cells, and the first row names ${columns.length} columns`,
      );
    }
    return Object.fromEntries(columns.map((name, i) => [name, cellOf(cells[i])]));
  }
}

function guessDelimiter(line: string): string {
  const counts = [",", ";", "\t"].map((mark) => ({ mark, count: line.split(mark).length }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).mark;
}

/** Unique names of columns: a missing name becomes the number of the column, a duplicate gets a number appended. */
function columnNames(cells: readonly string[]): string[] {
  const taken = new Set<string>();
  return cells.map((given, column) => {
    const base = given.trim() || `column ${column + 1}`;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base} ${n}`;
    taken.add(name);
    return name;
  });
}

/** A number if JavaScript prints it the same way, null if the text is empty, else the text: "007" stays text. */
function cellOf(text: string | undefined): string | number | null {
  if (text === undefined || text === "") return null;
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text ? number : text;
}
