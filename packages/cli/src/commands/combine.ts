import { combineArchives } from "@peekpack/core";
import type { Arguments } from "../arguments.js";
import { openChildren } from "../children.js";
import {
  type Command,
  type Context,
  encodeOptions,
  PLACE_OPTIONS,
  PUT_OPTIONS,
  putMode,
} from "../command.js";
import { Places } from "../place.js";

/** `peekpack combine`: archives in one. */
export const combine: Command = {
  name: "combine",
  synopsis: "OUT NAME=ARCHIVE...",
  summary: "Put archives into one, byte for byte, under names or as a list",
  details: [
    "Either all archives have names, and make a map, or none, and make a list. A file whose own name has an = is given",
    "with its folder, as in ./a=b. OUT is a file, s3://bucket/key, or - for standard output; it appears whole or not at all.",
  ].join("\n"),
  options: {
    ...PLACE_OPTIONS,
    codec: { value: "NAME", help: "of the table that is made: msgpack (default) or cbor" },
    ...PUT_OPTIONS,
  },
  positionals: [2, Number.POSITIVE_INFINITY],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [out = "", ...names] = args.positionals;
  const places = new Places(args, context);
  const options = { ...encodeOptions(args), signal: context.signal };
  const sink = places.sink(out, putMode(args));
  const children = openChildren(names, places);
  try {
    await combineArchives(sink, children, options);
  } finally {
    for (const { source } of children) await source.close?.();
  }
}
