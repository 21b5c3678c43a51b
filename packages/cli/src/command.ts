import type { Readable, Writable } from "node:stream";
import type { EncodeOptions } from "@peekpack/core";
import type { Arguments, OptionSpecs } from "./arguments.js";
import type { Output } from "./output.js";

/** What a command works with besides its arguments. */
export interface Context {
  readonly stdin: Readable;
  readonly output: Output;
  readonly stderr: Writable;
  /** Ends the command. */
  readonly signal: AbortSignal | undefined;
}

/** One of the commands behind `peekpack`. */
export interface Command {
  readonly name: string;
  /** What it is called with, for the usage line. */
  readonly synopsis: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** More about it, for its own help. */
  readonly details?: string;
  readonly options: OptionSpecs;
  /** Least and most positional arguments. */
  readonly positionals: readonly [number, number];
  /** Does it; gives the exit status, 0 unless said otherwise. */
  run(args: Arguments, context: Context): Promise<number | undefined>;
}

/** Options of every command that reaches an archive. */
export const PLACE_OPTIONS: OptionSpecs = {
  endpoint: {
    value: "URL",
    help: "S3-compatible service for s3:// (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, then AWS)",
  },
};

/** Options of commands that read one archive. */
export const READ_OPTIONS: OptionSpecs = {
  ...PLACE_OPTIONS,
  offset: { value: "BYTES", help: "where the archive starts in its file or object (default 0)" },
};

/** The option for paths that text cannot express. */
export const PATH_OPTIONS: OptionSpecs = {
  "path-json": {
    value: "JSON",
    help: "the path as a list of exact keys and indices, as in '[\"a/b\", 0]', instead of PATH",
  },
};

/** How values are encoded. */
export const ENCODE_OPTIONS: OptionSpecs = {
  codec: { value: "NAME", help: "msgpack or cbor" },
  threshold: {
    value: "BYTES",
    help: "smaller containers have no entries of their own in the table (default 8192)",
  },
  trivial: {
    value: "BYTES",
    help: "a list of items of at most this size is indexed by blocks (default 20)",
  },
  profile: { value: "NAME", help: "python (default) or rust: which backend of msglc to be identical with" },
};

/** What happens to something that is already there. */
export const PUT_OPTIONS: OptionSpecs = {
  put: {
    value: "MODE",
    help: "overwrite (default), or create: fails when OUT is already there",
  },
};

/** The options of encoding that a command was called with. @throws UsageError when one is wrong */
export function encodeOptions(args: Arguments): EncodeOptions {
  return {
    codec: args.word("codec", ["msgpack", "cbor"] as const),
    smallObjectThreshold: args.count("threshold"),
    trivialSize: args.count("trivial"),
    profile: args.word("profile", ["python", "rust"] as const),
  };
}

/** What `--put` says. @throws UsageError when it is no mode */
export function putMode(args: Arguments): "overwrite" | "create" {
  return args.word("put", ["overwrite", "create"]) ?? "overwrite";
}
