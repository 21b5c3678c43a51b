import type { Archive } from "@peekpack/core";
import { type JsonInput, jsonText } from "@peekpack/core/tagged";
import { ArchiveAccess } from "../archive-access.js";
import { type Arguments, UsageError } from "../arguments.js";
import { type Command, type Context, PATH_OPTIONS, READ_OPTIONS } from "../command.js";
import { archiveAndPath, found } from "../path-argument.js";

/** `peekpack cat`: prints a value as JSON. */
export const cat: Command = {
  name: "cat",
  synopsis: "ARCHIVE [PATH]",
  summary: "Print the value at a path as JSON",
  details: [
    "In PATH, * stands for every key or index: every match is printed, one a line. With --path-json, * is a key.",
    "What JSON lacks becomes text: byte strings in base64, integers beyond 2^53 - 1 in decimal, instants as ISO 8601,",
    'and "NaN", "Infinity", "-Infinity". Undefined is null. Sets and numpy arrays are lists. The others are',
    '{"ext": type, "data": base64}, {"tag": number, "value": ...} and {"simple": number}. Keys become text.',
    'With --tagged nothing is lost: maps are {"$map": [[key, value], ...]}, and every other value has a notation too.',
  ].join("\n"),
  options: {
    ...READ_OPTIONS,
    ...PATH_OPTIONS,
    tagged: { help: "print the tagged notation, which loses nothing" },
    indent: { value: "N", help: "spaces for each level; 0: one line (default 2 on a terminal, else 0)" },
  },
  examples: [
    "cat data.msglc entries/0/energy",
    "cat data.msglc 'entries/*/energy'",
    "cat s3://bucket/data.msglc entries/-1",
    `cat --path-json '["a/b", 0]' data.msglc`,
  ],
  positionals: [1, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path, pattern } = archiveAndPath(args);
  const { signal } = context;
  const form = { tagged: args.flag("tagged"), indent: indentation(args, context) };
  const print = async (value: JsonInput): Promise<void> => {
    await context.output.writeAll(jsonText(value, form));
    await context.output.write("\n");
  };
  const printAll = async (archive: Archive): Promise<void> => {
    if (pattern === undefined) await print(await archive.get(path, { signal }));
    else for await (const { value } of found(archive.select(pattern, { signal }), path)) await print(value);
  };
  await new ArchiveAccess(args, context).use(name, printAll, { readAhead: true });
  return undefined;
}

/** Default: 2 on a terminal, else 0. */
function indentation(args: Arguments, { output }: Context): number {
  const indent = args.count("indent") ?? (output.isTerminal ? 2 : 0);
  if (indent > 16) throw new UsageError("--indent is at most 16");
  return indent;
}
