import { ArchiveAccess } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import { expandedChildren } from "../child-argument.js";
import {
  ACCESS_OPTIONS,
  type Command,
  type Context,
  encodeOptions,
  PAGE_INDEX_OPTION,
  PUT_OPTIONS,
  putMode,
} from "../command.js";
import { refuseSameLocation } from "../same-location.js";

/** `peekpack combine`: puts archives into one. */
export const combine: Command = {
  name: "combine",
  synopsis: "OUT NAME=ARCHIVE...",
  summary: "Put archives into one, byte for byte, under names or as a list",
  details: [
    "The result is a map if all archives have names, and a list if none has; a pattern such as 'run-*.msglc' stands for",
    "files without names. Give a file whose own name contains = with its folder, as in ./a=b. OUT is a file,",
    "s3://bucket/key, or - for standard output. It appears as a whole or not at all. The S3 server copies archives that are",
    "on the same service as OUT. If one of the archives is compressed, OUT is compressed; on S3 the server copies its frames.",
  ].join("\n"),
  options: {
    ...ACCESS_OPTIONS,
    codec: {
      value: "NAME",
      words: ["msgpack", "cbor"],
      help: "codec of the new table: msgpack (default) or cbor",
    },
    ...PAGE_INDEX_OPTION,
    ...PUT_OPTIONS,
  },
  examples: [
    "combine all.msglc first=a.msglc second=b.msglc",
    "combine all.msglc 'run-*.msglc'",
    "combine s3://bucket/all.msglc s3://bucket/a.msglc s3://bucket/b.msglc",
  ],
  positionals: [2, Number.POSITIVE_INFINITY],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [out = "", ...names] = args.positionals;
  const { codec, pageIndex } = encodeOptions(args);
  const access = new ArchiveAccess(args, context);
  try {
    const children = await expandedChildren(names);
    await refuseSameLocation(
      children.map(({ archive }) => archive),
      out,
    );
    const notice = await access.combine(out, children, { codec, pageIndex, put: putMode(args) });
    if (notice !== undefined && !args.flag("quiet")) {
      context.progress.hide();
      context.stderr.write(`peekpack: note: ${notice}\n`);
    }
  } finally {
    await access.close();
  }
}
