import { constants } from "node:buffer";
import { readFile } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { PeekpackError, writeArchive } from "@peekpack/core";
import { fromTagged } from "@peekpack/core/tagged";
import { ArchiveAccess } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import {
  ACCESS_OPTIONS,
  type Command,
  type Context,
  ENCODE_OPTIONS,
  encodeOptions,
  PUT_OPTIONS,
  putMode,
} from "../command.js";
import { compressing, ZSTD_OPTION, zstdLevel } from "../compression.js";
import { refuseSameLocation } from "../same-location.js";

/** `peekpack write`: writes JSON as an archive. */
export const write: Command = {
  name: "write",
  synopsis: "INPUT.json OUT",
  summary: "Write JSON as an archive",
  details: [
    "INPUT.json is a file, or - for standard input. OUT is a file, s3://bucket/key, or - for standard output. The archive",
    "appears as a whole or not at all. JSON is read as JavaScript reads it: 1.0 is the integer 1, integers beyond 2^53 - 1",
    "are floats, and keys like 10 come first. With --tagged the input is in the tagged notation, which loses nothing.",
  ].join("\n"),
  options: {
    ...ACCESS_OPTIONS,
    ...ENCODE_OPTIONS,
    ...PUT_OPTIONS,
    ...ZSTD_OPTION,
    tagged: { help: "read the tagged notation that cat --tagged prints" },
  },
  examples: [
    "write data.json data.msglc",
    "write --codec cbor data.json s3://bucket/data.msglc",
    "write --zstd data.json data.msglc.zst",
    "write - - < data.json > data.msglc",
  ],
  positionals: [2, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [input = "", out = ""] = args.positionals;
  const level = zstdLevel(args);
  const encoding = encodeOptions(args);
  // A table of contents shrinks less than data: from afar, pages of it cost less than the whole.
  const pageIndex = encoding.pageIndex ?? (level === undefined ? undefined : true);
  const options = { ...encoding, pageIndex, signal: context.signal };
  if (input !== "-") await refuseSameLocation([input], out);
  const sink = await compressing(new ArchiveAccess(args, context).sink(out, putMode(args)), level);
  const json = parseJson(await readInput(input, context), input);
  await writeArchive(sink, args.flag("tagged") ? fromTagged(json) : json, options);
}

async function readInput(input: string, { stdin, signal }: Context): Promise<Uint8Array> {
  if (input !== "-") return readFile(input, { signal });
  if (signal !== undefined) addAbortSignal(signal, stdin);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

function parseJson(bytes: Uint8Array, input: string): unknown {
  const name = input === "-" ? "standard input" : input;
  if (bytes.length > constants.MAX_STRING_LENGTH) {
    throw new PeekpackError(
      "limit",
      `${name} exceeds the ${constants.MAX_STRING_LENGTH} bytes that can be parsed`,
    );
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new PeekpackError("corrupt", `${name} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
