import type { Readable, Writable } from "node:stream";
import type { EncodeOptions } from "@peekpack/core";
import type { Arguments, OptionSpecs } from "./arguments.js";
import type { Output } from "./output.js";
import type { Progress } from "./progress.js";
import { S3_OPTIONS } from "./s3-access.js";

/** What a command uses besides its arguments. */
export interface Context {
  /** All commands, for what is made of their table. */
  readonly commands: readonly Command[];
  readonly stdin: Readable;
  readonly output: Output;
  readonly stderr: Writable;
  readonly progress: Progress;
  /** Aborts the command. */
  readonly signal: AbortSignal | undefined;
}

/** A command of `peekpack`. */
export interface Command {
  readonly name: string;
  /** Its arguments, for the usage line. */
  readonly synopsis: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** More about it, for its help text. */
  readonly details?: string;
  readonly options: OptionSpecs;
  /** The words that are its arguments, if they are no files. */
  readonly words?: readonly string[];
  /** Calls of it for its help text, without the name of the program. */
  readonly examples: readonly string[];
  /** Minimum and maximum number of positional arguments. */
  readonly positionals: readonly [number, number];
  /** Runs it. @returns the exit status; 0 if undefined */
  run(args: Arguments, context: Context): Promise<number | undefined>;
}

/** Options of every command that opens or writes an archive. */
export const ACCESS_OPTIONS: OptionSpecs = S3_OPTIONS;

/** The option for an archive that starts after the first byte. */
export const OFFSET_OPTION: OptionSpecs = {
  offset: { value: "BYTES", help: "where the archive starts in its file or object (default 0)" },
};

/** Options of commands that read one archive. */
export const READ_OPTIONS: OptionSpecs = {
  ...ACCESS_OPTIONS,
  ...OFFSET_OPTION,
  "page-index-file": {
    value: "FILE",
    help: "a page index that index --sidecar has written: a file, an http(s) URL or s3://bucket/key",
  },
};

/** Whether a page index is written. */
export const PAGE_INDEX_OPTION: OptionSpecs = {
  "page-index": {
    value: "WHEN",
    words: ["auto", "true", "false"],
    help: "auto (default): if the table exceeds 1 MiB; true: if it exceeds 8 KiB; false: no page index",
  },
};

/** The option for paths with keys that a text cannot express. */
export const PATH_OPTIONS: OptionSpecs = {
  "path-json": {
    value: "JSON",
    help: "the path as a list of exact keys and indices, as in '[\"a/b\", 0]', instead of PATH",
  },
  pointer: { help: "PATH is a JSON Pointer, as in /entries/0/a~1b" },
};

/** How values are encoded. */
export const ENCODE_OPTIONS: OptionSpecs = {
  codec: { value: "NAME", words: ["msgpack", "cbor"], help: "msgpack or cbor" },
  threshold: {
    value: "BYTES",
    help: "containers below this size get no entries in the table (default 8192)",
  },
  trivial: {
    value: "BYTES",
    help: "a list whose items are at most this large is indexed by blocks (default 20)",
  },
  profile: {
    value: "NAME",
    words: ["python", "rust"],
    help: "python (default) or rust: the backend of msglc whose bytes are reproduced",
  },
  ...PAGE_INDEX_OPTION,
};

/** What happens if the output exists. */
export const PUT_OPTIONS: OptionSpecs = {
  put: {
    value: "MODE",
    words: ["overwrite", "create"],
    help: "overwrite (default) or create, which fails if OUT exists",
  },
};

/** Whether an archive is kept if its upload fails. */
export const DURABLE_OPTION: OptionSpecs = {
  durable: { help: "keep the archive if its upload to S3 fails: peekpack resume continues it" },
};

/** The encoding options of a command. @throws UsageError for a wrong value */
export function encodeOptions(args: Arguments): EncodeOptions {
  return {
    codec: args.word("codec", ["msgpack", "cbor"] as const),
    smallObjectThreshold: args.count("threshold"),
    trivialSize: args.count("trivial"),
    profile: args.word("profile", ["python", "rust"] as const),
    pageIndex: pageIndexOption(args),
  };
}

/** The value of `--page-index`. @throws UsageError for an unknown word */
export function pageIndexOption(args: Arguments): "auto" | boolean | undefined {
  const word = args.word("page-index", ["auto", "true", "false"] as const);
  return word === "true" ? true : word === "false" ? false : word;
}

/** The value of `--put`. @throws UsageError for an unknown mode */
export function putMode(args: Arguments): "overwrite" | "create" {
  return args.word("put", ["overwrite", "create"]) ?? "overwrite";
}
