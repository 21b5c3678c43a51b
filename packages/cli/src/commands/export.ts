import type { Row, TableOptions, TableSource } from "@peekpack/arrow";
import type { Archive } from "@peekpack/core";
import { jsonText } from "@peekpack/core/tagged";
import { ArchiveAccess } from "../archive-access.js";
import { type Arguments, UsageError } from "../arguments.js";
import { ByteOutput } from "../byte-output.js";
import { type Command, type Context, PATH_OPTIONS, PUT_OPTIONS, putMode, READ_OPTIONS } from "../command.js";
import { archiveAndPath } from "../path-argument.js";
import { refuseSameLocation } from "../same-location.js";

const FORMATS = ["ndjson", "csv", "arrow", "parquet"] as const;
type Format = (typeof FORMATS)[number];

/** `peekpack export`: writes a list, a map or an array as a table. */
export const exportTable: Command = {
  name: "export",
  synopsis: "ARCHIVE [PATH] OUT",
  summary: "Write a list, a map or an array as NDJSON, CSV, Arrow or Parquet",
  details: [
    "OUT ends in .ndjson, .csv, .arrow or .parquet, or --format says it. It is a file, s3://bucket/key, or - for standard",
    "output. Each item is a row, and each member of a record a column; other items are the column value. The rows of a map",
    "have the column key. In PATH, * stands for every key or index: each match is a row. Memory does not grow with the number",
    "of rows.",
    "The first 16,384 rows decide about columns and their types: numbers are 64-bit floats, columns of mixed types are JSON",
    "text. A later row that does not fit is an error. NDJSON has no columns: it holds any items, one a line.",
  ].join("\n"),
  options: {
    ...READ_OPTIONS,
    ...PATH_OPTIONS,
    ...PUT_OPTIONS,
    query: { value: "JSONPATH", help: "export what a JSONPath query finds, instead of PATH" },
    paths: { help: "with --query, or * in PATH: add the column path" },
    columns: { value: "NAMES", help: "the members to export, separated by commas (default: all)" },
    types: {
      value: "TYPES",
      help: "types of columns, as in id=int64,x=json: bool, int8 to uint64, float32, float64, utf8, binary, timestamp, json",
    },
    format: { value: "NAME", help: `${FORMATS.join(", ")} (default: by the end of OUT)` },
  },
  examples: [
    "export data.msglc entries entries.parquet",
    "export --columns gap,energy data.msglc entries entries.csv",
    "export --query '$.entries[?@.gap > 1.5]' data.msglc wide.arrow",
  ],
  positionals: [2, 3],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  // Loaded here: other commands start sooner without them.
  const [{ COLUMN_TYPES, rowsOf }, { query }] = await Promise.all([
    import("@peekpack/arrow"),
    import("@peekpack/jsonpath"),
  ]);
  const chosen = args.text("query");
  const { archive: name, path, pattern, rest } = argumentsOf(args, chosen !== undefined);
  const [out = ""] = rest;
  const format = args.word("format", FORMATS) ?? formatOf(out);
  const columns = args.text("columns")?.split(",");
  const types = columnTypes(args.text("types"), COLUMN_TYPES);
  if (format === "ndjson" && columns !== undefined) throw new UsageError("NDJSON has no columns");
  const isFound = chosen !== undefined || pattern !== undefined;
  if (args.flag("paths") && !isFound) throw new UsageError("--paths needs --query, or * in PATH");
  await refuseSameLocation([name], out);
  const access = new ArchiveAccess(args, context);
  const output = new ByteOutput(out === "-" ? context.output : access.sink(out, putMode(args)));
  const { signal } = context;
  const pathColumn = args.flag("paths") ? "path" : undefined;
  const sourceOf = (archive: Archive): TableSource => {
    if (chosen !== undefined) return rowsOf(query(archive, chosen, { signal }), pathColumn);
    if (pattern === undefined) return archive;
    return rowsOf(archive.select(pattern, { signal }), pathColumn);
  };
  await access.use(name, async (archive) => {
    try {
      const at = isFound ? undefined : path;
      await output.writeAll(bytesOf(sourceOf(archive), format, { path: at, columns, types, signal }));
      await output.finish();
    } catch (error) {
      await output.abort(error);
      throw error;
    }
  });
  return undefined;
}

/** The arguments. Without PATH: the root. */
function argumentsOf(args: Arguments, isQuery: boolean): ReturnType<typeof archiveAndPath> {
  const isRoot = args.positionals.length < 3 && args.text("path-json") === undefined;
  if (!isQuery && !isRoot) return archiveAndPath(args, 1);
  const [archive = "", ...rest] = args.positionals;
  if (rest.length > 1 || args.text("path-json") !== undefined) {
    throw new UsageError("give PATH or --query, not both");
  }
  return { archive, path: [], pattern: undefined, rest };
}

function formatOf(out: string): Format {
  const format = FORMATS.find((name) => out.endsWith(`.${name}`));
  if (format === undefined) throw new UsageError(`OUT ends in .${FORMATS.join(", .")}, or give --format`);
  return format;
}

function columnTypes<T extends string>(
  text: string | undefined,
  known: readonly T[],
): { readonly [column: string]: T } | undefined {
  if (text === undefined) return undefined;
  const types = text.split(",").map((part): [string, T] => {
    const at = part.lastIndexOf("=");
    const type = known.find((name) => name === part.slice(at + 1));
    if (at < 1 || type === undefined) {
      throw new UsageError(`--types is a list such as id=int64,x=json, of ${known.join(", ")}`);
    }
    return [part.slice(0, at), type];
  });
  return Object.fromEntries(types);
}

async function* bytesOf(
  source: TableSource,
  format: Format,
  options: TableOptions,
): AsyncGenerator<string | Uint8Array> {
  const { csvText, ipcFile, recordBatches, tableRows } = await import("@peekpack/arrow");
  switch (format) {
    case "ndjson":
      yield* lines(tableRows(source, options.path, { signal: options.signal }));
      return;
    case "csv":
      yield* csvText(recordBatches(source, options));
      return;
    case "arrow":
      yield* ipcFile(recordBatches(source, options));
      return;
    case "parquet": {
      const { parquetBytes } = await import("../parquet-bytes.js");
      yield* parquetBytes(recordBatches(source, options));
    }
  }
}

async function* lines(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  for await (const { key, value } of rows) {
    if (key !== undefined) yield `{"key":${JSON.stringify(key)},"value":`;
    yield* jsonText(value);
    yield key === undefined ? "\n" : "}\n";
  }
}
