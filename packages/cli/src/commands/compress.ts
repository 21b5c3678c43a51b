import { readEngine } from "@peekpack/core";
import { ArchiveAccess } from "../archive-access.js";
import { archiveError } from "../archive-error.js";
import type { Arguments } from "../arguments.js";
import { ACCESS_OPTIONS, type Command, type Context, PUT_OPTIONS, putMode } from "../command.js";
import { compressing, copyObject, ZSTD_OPTION, zstdLevel } from "../compression.js";
import { refuseSameLocation } from "../same-location.js";

/** `peekpack compress`: compresses an archive. */
export const compress: Command = {
  name: "compress",
  synopsis: "ARCHIVE OUT",
  summary: "Compress an archive, which stays readable by ranges",
  details: [
    "OUT is in the Zstandard seekable format, and every command reads it. zstd -d or peekpack decompress give back the",
    "archive. From afar an archive with a page index (peekpack index) is read with fewer bytes.",
  ].join("\n"),
  options: { ...ACCESS_OPTIONS, ...PUT_OPTIONS, ...ZSTD_OPTION },
  examples: [
    "compress data.msglc data.msglc.zst",
    "compress --zstd=19 data.msglc s3://bucket/data.msglc.zst",
  ],
  positionals: [2, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [name = "", out = ""] = args.positionals;
  const level = zstdLevel(args) ?? 0;
  await refuseSameLocation([name], out);
  const access = new ArchiveAccess(args, context);
  const source = readEngine(access.source(name));
  try {
    await copyObject(source, await compressing(access.sink(out, putMode(args)), level), context.signal);
  } catch (error) {
    throw await archiveError(error, name);
  } finally {
    await access.close();
  }
  return undefined;
}
