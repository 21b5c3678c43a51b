import type { TableSource } from "@peekpack/arrow";
import {
  type ArchiveSink,
  LazyList,
  type LazyMap,
  NdArray,
  type PathKey,
  type ReadOptions,
  type Value,
  writeArchive,
} from "@peekpack/core";
import { type JsonLoss, type JsonOptions, jsonText } from "@peekpack/core/tagged";
import { pathText } from "../archive/segments.js";
import type { Destination } from "./destination.js";
import { npyBytes } from "./npy.js";

/** A value that a query has found. */
export interface Match {
  readonly path: readonly PathKey[];
  readonly value: Value;
}

/** What is downloaded: a value, read while it is written, or matches, as they come. */
export type Downloaded =
  | { readonly kind: "value"; open(options: ReadOptions): Promise<LazyMap | LazyList | Value> }
  | { readonly kind: "matches"; matches(options: ReadOptions): AsyncIterable<Match> | Iterable<Match> };

/** A format of downloads. */
export interface Format {
  readonly name: "json" | "tagged" | "ndjson" | "csv" | "npy" | "arrow" | "msglc";
  readonly label: string;
  readonly extension: string;
  /** What it is good for, and what it does not keep. */
  readonly about: string;
}

export const FORMATS: readonly Format[] = [
  {
    name: "json",
    label: "JSON",
    extension: "json",
    about: "What JSON lacks (bytes, dates, integers beyond 2^53, NaN) becomes text. You are told how much.",
  },
  {
    name: "tagged",
    label: "JSON without loss",
    extension: "tagged.json",
    about: "The tagged notation, which peekpack write --tagged reads back.",
  },
  { name: "ndjson", label: "NDJSON", extension: "ndjson", about: "One row a line, as JSON." },
  {
    name: "csv",
    label: "CSV",
    extension: "csv",
    about: "Rows and columns. Lists and maps in a cell are JSON, whole.",
  },
  { name: "npy", label: "NPY", extension: "npy", about: "Numbers for numpy.load." },
  { name: "arrow", label: "Arrow", extension: "arrow", about: "Typed columns, for DuckDB, pandas, Polars." },
  {
    name: "msglc",
    label: "Archive",
    extension: "msglc",
    about: "An archive of its own, which every reader of the format opens.",
  },
];

/** The formats that suit a value, or the matches of a query. */
export function formatsFor(value: LazyMap | LazyList | Value | "matches"): readonly Format[] {
  const isList = value instanceof LazyList || Array.isArray(value) || NdArray.is(value);
  const isScalar =
    value === null || typeof value !== "object" || value instanceof Uint8Array || value instanceof Date;
  return FORMATS.filter(({ name }) => {
    if (value === "matches" || name === "json" || name === "tagged" || name === "msglc") return true;
    return name === "npy" ? isList : !isScalar;
  });
}

/** What became of a download. */
export interface Written {
  readonly bytes: number;
  /** How often plain JSON had to make something else of a value. */
  readonly losses: ReadonlyMap<JsonLoss, number>;
}

export interface WriteOptions {
  readonly signal: AbortSignal;
  /** The members of records that become columns. Default: all. */
  readonly columns?: readonly string[] | undefined;
  readonly codec: "msgpack" | "cbor";
  progress(bytes: number): void;
}

/** How many bytes at the start of a file are known last. */
export function reservedBytes(format: Format["name"]): number {
  return format === "msglc" ? 50 : 0;
}

/** Writes what is downloaded. Memory is bounded: chunks are written as they come. */
export async function writeDownload(
  downloaded: Downloaded,
  format: Format["name"],
  to: Destination,
  options: WriteOptions,
): Promise<Written> {
  const { signal } = options;
  const losses = new Map<JsonLoss, number>();
  let bytes = 0;
  const write = async (chunk: Uint8Array): Promise<void> => {
    signal.throwIfAborted();
    await to.write(chunk as Uint8Array<ArrayBuffer>);
    bytes += chunk.length;
    options.progress(bytes);
  };
  try {
    if (format === "msglc") await writeArchive(sinkOf(to, write), archiveValue(await opened()), options);
    else {
      const onLoss = (what: JsonLoss): void => void losses.set(what, (losses.get(what) ?? 0) + 1);
      const encoder = new TextEncoder();
      for await (const chunk of chunksOf(await opened(), format, options, onLoss)) {
        await write(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
      }
      signal.throwIfAborted();
      await to.finish();
    }
  } catch (error) {
    await to.abort().catch(() => {});
    throw error;
  }
  return { bytes, losses };

  async function opened(): Promise<Opened> {
    return downloaded.kind === "value"
      ? { value: await downloaded.open({ signal }) }
      : { matches: downloaded.matches({ signal }) };
  }
}

type Opened =
  | { readonly value: LazyMap | LazyList | Value }
  | { readonly matches: AsyncIterable<Match> | Iterable<Match> };

function archiveValue(opened: Opened): unknown {
  if ("value" in opened) return opened.value;
  return (async function* () {
    for await (const { path, value } of opened.matches) yield { path: pathText(path), value };
  })();
}

function sinkOf(to: Destination, write: (chunk: Uint8Array) => Promise<void>): ArchiveSink {
  let size = 50;
  return {
    async write(chunk) {
      size += chunk.length;
      await write(chunk);
    },
    async finish(header) {
      await to.finish(header as Uint8Array<ArrayBuffer>);
      return { size };
    },
    abort: () => to.abort(),
  };
}

async function* chunksOf(
  opened: Opened,
  format: Exclude<Format["name"], "msglc">,
  { signal, columns }: WriteOptions,
  onLoss: (what: JsonLoss) => void,
): AsyncGenerator<string | Uint8Array> {
  switch (format) {
    case "json":
    case "tagged": {
      const form = { tagged: format === "tagged", signal, onLoss };
      if ("value" in opened) yield* jsonText(opened.value, { ...form, indent: 2 });
      else yield* matchesJson(opened.matches, form);
      return;
    }
    case "ndjson":
      yield* collected(lines(opened, { signal, onLoss }));
      return;
    case "npy":
      yield* npyBytes(
        "value" in opened ? (opened.value as LazyList | Value) : await valuesOf(opened.matches),
        { signal },
      );
      return;
    default: {
      // Tables are a chunk of their own.
      const { csvText, ipcFile, recordBatches, rowsOf } = await import("@peekpack/arrow");
      const source: TableSource =
        "value" in opened ? (opened.value as TableSource) : rowsOf(exactPaths(opened.matches), PATH_COLUMN);
      const batches = recordBatches(source, { signal, columns });
      yield* format === "csv" ? csvText(batches) : ipcFile(batches);
    }
  }
}

/** Matches as CSV, with a column for their paths. */
export async function* matchesCsv(matches: Iterable<Match>): AsyncGenerator<string> {
  const { csvText, recordBatches, rowsOf } = await import("@peekpack/arrow");
  yield* csvText(recordBatches(rowsOf(exactPaths(matches), PATH_COLUMN)));
}

/** The column of the paths. A record may well have a member `path`. */
const PATH_COLUMN = "$path";

async function* exactPaths(
  matches: AsyncIterable<Match> | Iterable<Match>,
): AsyncGenerator<{ readonly path: string; readonly value: Value }> {
  for await (const { path, value } of matches) yield { path: pathText(path), value };
}

async function* matchesJson(
  matches: AsyncIterable<Match> | Iterable<Match>,
  form: JsonOptions,
): AsyncGenerator<string> {
  yield "[";
  let separator = "\n";
  for await (const match of matches) {
    yield* collected(matchJson(match, separator, form));
    separator = ",\n";
  }
  yield "\n]\n";
}

async function* matchJson({ path, value }: Match, before: string, form: JsonOptions): AsyncGenerator<string> {
  // The object of a match is JSON in both notations: only its value is tagged.
  yield `${before}{"path":${JSON.stringify(pathText(path))},"value":`;
  yield* jsonText(value, form);
  yield "}";
}

async function* lines(opened: Opened, form: JsonOptions): AsyncGenerator<string> {
  if ("matches" in opened) {
    for await (const match of opened.matches) {
      yield* matchJson(match, "", form);
      yield "\n";
    }
    return;
  }
  const { tableRows } = await import("@peekpack/arrow");
  for await (const { key, value } of tableRows(opened.value as TableSource, undefined, form)) {
    if (key !== undefined) yield `{"key":${JSON.stringify(key)},"value":`;
    yield* jsonText(value, form);
    yield key === undefined ? "\n" : "}\n";
  }
}

/** Many short texts as few long ones. */
async function* collected(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let text = "";
  for await (const part of texts) {
    text += part;
    if (text.length < 65_536) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

async function valuesOf(matches: AsyncIterable<Match> | Iterable<Match>): Promise<Value[]> {
  const values: Value[] = [];
  for await (const { value } of matches) values.push(value);
  return values;
}
