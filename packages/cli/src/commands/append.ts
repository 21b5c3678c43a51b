import { ArchiveAccess } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import { expandedChildren } from "../child-argument.js";
import {
  ACCESS_OPTIONS,
  type Command,
  type Context,
  PAGE_INDEX_OPTION,
  pageIndexOption,
} from "../command.js";

/** `peekpack append`: adds children to a combined archive. */
export const append: Command = {
  name: "append",
  synopsis: "ARCHIVE NAME=ARCHIVE...",
  summary: "Add archives to a combined one",
  details: [
    "Children have names if ARCHIVE is a map. It is replaced after everything has been written, and only if it is still",
    "the version that was read. On S3 the server copies what it has. A server that does not check the version is refused,",
    "because two that append at once would lose archives. A compressed ARCHIVE stays compressed.",
  ].join("\n"),
  options: {
    ...ACCESS_OPTIONS,
    ...PAGE_INDEX_OPTION,
    "sole-writer": {
      help: "append although the server does not check the version: nobody else may write ARCHIVE",
    },
  },
  examples: [
    "append runs.msglc run-7=run-7.msglc",
    "append s3://bucket/runs.msglc run-7=s3://bucket/run-7.msglc",
  ],
  positionals: [2, Number.POSITIVE_INFINITY],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [target = "", ...names] = args.positionals;
  const access = new ArchiveAccess(args, context);
  try {
    const notice = await access.append(target, await expandedChildren(names), {
      pageIndex: pageIndexOption(args),
      soleWriter: args.flag("sole-writer"),
    });
    if (notice !== undefined && !args.flag("quiet")) {
      context.progress.hide();
      context.stderr.write(`peekpack: note: ${notice}\n`);
    }
  } finally {
    await access.close();
  }
}
