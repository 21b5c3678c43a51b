import type { Arguments } from "../arguments.js";
import { childPlaces } from "../child-place.js";
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
    "What lies on the same S3 service as OUT is copied there by the server.",
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
  const { codec } = encodeOptions(args);
  const places = new Places(args, context);
  try {
    const notice = await places.combine(out, childPlaces(names), { codec, put: putMode(args) });
    if (notice !== undefined) context.stderr.write(`peekpack: note: ${notice}\n`);
  } finally {
    await places.close();
  }
}
