import { type BuiltPageIndex, buildPageIndex, HEADER_SIZE } from "@peekpack/core";
import { ArchiveAccess } from "../archive-access.js";
import { archiveError } from "../archive-error.js";
import { archiveLocation } from "../archive-location.js";
import { type Arguments, UsageError } from "../arguments.js";
import {
  ACCESS_OPTIONS,
  type Command,
  type Context,
  OFFSET_OPTION,
  PUT_OPTIONS,
  putMode,
} from "../command.js";
import { indexInPlace } from "../index-in-place.js";
import { indexObject } from "../index-object.js";
import { refuseSameLocation } from "../same-location.js";

/** `peekpack index`: builds the page index of an archive. */
export const indexArchive: Command = {
  name: "index",
  synopsis: "ARCHIVE",
  summary: "Build the page index of an archive, so that one value is found without reading the whole table",
  details: [
    "The index follows the archive in its file or object, and replaces an older one. The archive itself is not changed:",
    "readers that do not know page indexes ignore it. On S3 the server copies the archive, and only the index is uploaded; the",
    "object is replaced only if it is still the version that was read. With --sidecar the index is written to a file or object",
    "of its own; that is the way for http(s) archives. Give it to readers with --page-index-file.",
  ].join("\n"),
  options: {
    ...ACCESS_OPTIONS,
    ...OFFSET_OPTION,
    sidecar: {
      value: "OUT",
      help: "write the index to OUT: a file, s3://bucket/key, or - for standard output",
    },
    ...PUT_OPTIONS,
  },
  examples: [
    "index data.msglc",
    "index s3://bucket/data.msglc",
    "index --sidecar s3://bucket/data.index s3://bucket/data.msglc",
  ],
  positionals: [1, 1],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [name = ""] = args.positionals;
  const sidecar = args.text("sidecar");
  try {
    const { info } = await (sidecar === undefined
      ? inPlace(name, args, context)
      : beside(name, sidecar, args, context));
    if (sidecar === "-") return undefined;
    const { style } = context.output;
    const size = style.isTerminal ? style.bytes(info.indexBytes) : `${info.indexBytes} bytes`;
    await context.output.write(`page index: ${size}, ${style.count(info.pages)} pages\n`);
  } catch (error) {
    throw await archiveError(error, name);
  }
  return undefined;
}

async function inPlace(name: string, args: Arguments, context: Context): Promise<BuiltPageIndex> {
  const { signal, progress } = context;
  const place = { offset: args.count("offset"), signal };
  const location = archiveLocation(name);
  if (args.text("put") !== undefined) throw new UsageError("--put is for --sidecar");
  if (location.kind === "file") return indexInPlace(location.path, place);
  if (location.kind !== "s3") throw new UsageError("the index of a URL needs --sidecar OUT");
  const access = new ArchiveAccess(args, context);
  const [, bucket = "", key = ""] = /^s3:\/\/([^/]*)\/(.*)$/s.exec(location.path) ?? [];
  try {
    return await indexObject(
      {
        name,
        bucket,
        key,
        source: access.source(name),
        target: (ifMatch) => access.target(location.path, { ifMatch }),
      },
      place,
      (done, all) => progress.report("copying", done, all),
    );
  } finally {
    await access.close();
  }
}

async function beside(
  name: string,
  sidecar: string,
  args: Arguments,
  context: Context,
): Promise<BuiltPageIndex> {
  await refuseSameLocation([name], sidecar);
  const access = new ArchiveAccess(args, context);
  const { signal } = context;
  try {
    const sink = access.sink(sidecar, putMode(args));
    const built = await buildPageIndex(access.source(name), { offset: args.count("offset"), signal });
    // A sink takes the first bytes last.
    try {
      await sink.write(built.bytes.slice(HEADER_SIZE));
      await sink.finish(built.bytes.slice(0, HEADER_SIZE));
    } catch (error) {
      await sink.abort(error).catch(() => {});
      throw error;
    }
    return built;
  } finally {
    await access.close();
  }
}
