import type { Arguments } from "../arguments.js";
import { childPlaces } from "../child-place.js";
import { type Command, type Context, PLACE_OPTIONS } from "../command.js";
import { Places } from "../place.js";

/** `peekpack append`: more children for a combined archive. */
export const append: Command = {
  name: "append",
  synopsis: "ARCHIVE NAME=ARCHIVE...",
  summary: "Add archives to a combined one",
  details: [
    "Names as in combine: ARCHIVE decides whether there must be any. It is replaced when all has been written, and only",
    "when it is still the one that was read. On S3 the server copies what it has.",
  ].join("\n"),
  options: PLACE_OPTIONS,
  positionals: [2, Number.POSITIVE_INFINITY],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [target = "", ...names] = args.positionals;
  const places = new Places(args, context);
  try {
    const notice = await places.append(target, childPlaces(names));
    if (notice !== undefined) context.stderr.write(`peekpack: note: ${notice}\n`);
  } finally {
    await places.close();
  }
}
