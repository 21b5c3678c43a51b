import { exportUpload, fileSink, type PendingUpload, resumeUpload } from "@peekpack/node-storage";
import { ArchiveAccess, asUsage } from "../archive-access.js";
import { archiveLocation } from "../archive-location.js";
import { type Arguments, UsageError } from "../arguments.js";
import { ACCESS_OPTIONS, type Command, type Context, PUT_OPTIONS, putMode } from "../command.js";
import { forEachUpload, namedUploads, SPOOL_OPTIONS } from "../pending-argument.js";

/** `peekpack resume`: continues interrupted uploads. */
export const resume: Command = {
  name: "resume",
  synopsis: "ID... | --all",
  summary: "Continue uploads that were interrupted or failed",
  details: [
    "Parts that the server has are not sent again. If it fails again, the upload stays pending. The endpoint is the one that",
    "was written to, unless --endpoint is given. --to writes the archive to another object, or to a file; a file does not",
    "end the upload, which stays pending.",
  ].join("\n"),
  options: {
    ...ACCESS_OPTIONS,
    ...SPOOL_OPTIONS,
    all: { help: "all uploads whose archive is complete" },
    to: { value: "OUT", help: "s3://bucket/key or a file, instead of the target" },
    put: PUT_OPTIONS.put!,
  },
  examples: [
    "resume --all",
    "resume 3f2a",
    "resume --to s3://other/data.msglc 3f2a",
    "resume --to copy.msglc 3f2a",
  ],
  positionals: [0, Number.POSITIVE_INFINITY],
  run,
};

async function run(args: Arguments, context: Context): Promise<number> {
  const uploads = await namedUploads(args);
  const chosen = args.flag("all") ? uploads.filter(isComplete) : uploads;
  if (args.text("to") !== undefined && chosen.length !== 1) throw new UsageError("--to is for one upload");
  const access = new ArchiveAccess(args, context);
  return forEachUpload(chosen, args, context, (upload) => resumed(upload, args, access, context));
}

function isComplete({ state }: PendingUpload): boolean {
  return state === "sealed" || state === "uploading" || state === "committing";
}

/** Resumes or exports one upload. @returns where the archive is */
async function resumed(
  upload: PendingUpload,
  args: Arguments,
  access: ArchiveAccess,
  { signal }: Context,
): Promise<string> {
  const to = args.text("to");
  const location = to === undefined ? undefined : archiveLocation(to);
  if (location?.kind === "file") {
    await exportUpload(upload, fileSink(location.path, { put: putMode(args) }));
    return location.path;
  }
  if (location !== undefined && location.kind !== "s3")
    throw new UsageError("--to takes a file or s3://bucket/key");
  const changed = args.text("put") !== undefined;
  const put = changed ? putMode(args) : (upload.put ?? "overwrite");
  const hasParts = upload.state === "uploading" || upload.state === "committing";
  const previousTarget = hasParts ? access.recordedTarget(upload.target, upload.put) : undefined;
  const target =
    location === undefined ? access.recordedTarget(upload.target, put) : access.target(location.path, put);
  const result = await asUsage(() =>
    resumeUpload(upload, target, {
      changeTarget: changed || location !== undefined,
      previousTarget,
      signal,
      onProgress: access.onUpload,
    }),
  );
  return result.location ?? target.label;
}
