import { extname } from "node:path";
import { writeArchive } from "@peekpack/core";
import { fromTagged } from "@peekpack/core/tagged";
import { ArchiveAccess } from "../archive-access.js";
import { type Arguments, UsageError } from "../arguments.js";
import {
  ACCESS_OPTIONS,
  type Command,
  type Context,
  DURABLE_OPTION,
  ENCODE_OPTIONS,
  encodeOptions,
  PUT_OPTIONS,
  putMode,
} from "../command.js";
import { compressing, ZSTD_OPTION, zstdLevel } from "../compression.js";
import { expandFiles } from "../input/file-pattern.js";
import { type BytesListener, type InputFile, openInput } from "../input/input-file.js";
import { jsonDocument, wholeJson } from "../input/json-document.js";
import { rowsOf } from "../input/rows.js";
import { refuseSameLocation } from "../same-location.js";

const FORMATS = ["json", "ndjson", "csv", "tsv"] as const;
type Format = (typeof FORMATS)[number];

/** `peekpack write`: writes JSON, NDJSON or CSV as an archive. */
export const write: Command = {
  name: "write",
  synopsis: "INPUT... OUT",
  summary: "Write JSON, NDJSON or CSV as an archive",
  details: [
    "INPUT is a file, a pattern such as 'part-*.csv', or - for standard input. OUT is a file, s3://bucket/key, or - for",
    "standard output. The archive appears as a whole or not at all. Inputs of any size take little memory.",
    "",
    "JSON: one document. It is read as JavaScript reads it: 1.0 is the integer 1, integers beyond 2^53 - 1 are floats. With",
    "--tagged it is in the tagged notation, which loses nothing, and is read into memory.",
    "NDJSON (.ndjson, .jsonl): one value a line, written as a list. CSV (.csv, .tsv): the first row names the columns, and",
    "every other row becomes a map. A cell is a number if it looks like one, and null if it is empty. Several inputs of",
    "rows become one list. Rows of up to 4096 bytes are indexed by blocks, unless --trivial says otherwise.",
  ].join("\n"),
  options: {
    ...ACCESS_OPTIONS,
    format: {
      value: "NAME",
      words: FORMATS,
      help: "json, ndjson, csv or tsv (default: by the name of INPUT, else json)",
    },
    ...ENCODE_OPTIONS,
    ...PUT_OPTIONS,
    ...DURABLE_OPTION,
    ...ZSTD_OPTION,
    tagged: { help: "read the tagged notation that cat --tagged prints" },
  },
  examples: [
    "write data.json data.msglc",
    "write --zstd data.json data.msglc.zst",
    "write measurements.csv measurements.msglc",
    "write 'logs/*.ndjson' s3://bucket/logs.msglc",
    "write --format ndjson - - < data.ndjson > data.msglc",
  ],
  positionals: [2, Number.POSITIVE_INFINITY],
  run,
};

/** Otherwise the table of contents of small rows would be as large as their data. */
const MAX_BLOCKED_ROW = 4096;

async function run(args: Arguments, context: Context): Promise<undefined> {
  const names = await expandFiles(args.positionals.slice(0, -1));
  const out = args.positionals.at(-1) ?? "";
  const format = args.word("format", FORMATS) ?? formatOf(names[0] ?? "");
  if (format === "json" && names.length > 1) throw new UsageError("several inputs must be NDJSON or CSV");
  if (format !== "json" && args.flag("tagged")) throw new UsageError("--tagged is for JSON");
  if (names.filter((name) => name === "-").length > 1) throw new UsageError("standard input is read once");
  const level = zstdLevel(args);
  const { trivialSize, pageIndex, ...encoding } = encodeOptions(args);
  const options = {
    ...encoding,
    // A table of contents shrinks less than data: from afar, pages of it cost less than the whole.
    pageIndex: pageIndex ?? (level === undefined ? undefined : true),
    trivialSize: trivialSize ?? (format === "json" ? undefined : MAX_BLOCKED_ROW),
    signal: context.signal,
  };
  await refuseSameLocation(
    names.filter((name) => name !== "-"),
    out,
  );
  const sink = await compressing(new ArchiveAccess(args, context).sink(out, putMode(args)), level);
  const inputs: InputFile[] = [];
  try {
    for (const name of names) inputs.push(await openInput(name, context));
    await writeArchive(sink, await inputValue(inputs, format, args.flag("tagged"), context), options);
  } finally {
    for (const input of inputs) await input.close();
  }
}

function formatOf(name: string): Format {
  switch (extname(name).toLowerCase()) {
    case ".ndjson":
    case ".jsonl":
      return "ndjson";
    case ".csv":
      return "csv";
    case ".tsv":
      return "tsv";
    default:
      return "json";
  }
}

async function inputValue(
  inputs: readonly InputFile[],
  format: Format,
  isTagged: boolean,
  { progress, signal }: Context,
): Promise<unknown> {
  const size = inputs.reduce((sum, input) => sum + input.size, 0);
  const onBytes: BytesListener = (action, bytes) => {
    signal?.throwIfAborted();
    progress.report(action, bytes, size);
  };
  if (format !== "json") return rowsOf(inputs, format, onBytes);
  const [input] = inputs as [InputFile];
  return isTagged ? fromTagged(wholeJson(input) as never) : jsonDocument(input, onBytes);
}
