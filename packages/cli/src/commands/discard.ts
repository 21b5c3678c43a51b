import { discardUpload, type PendingUpload } from "@peekpack/node-storage";
import { ArchiveAccess, asUsage } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import { ACCESS_OPTIONS, type Command, type Context } from "../command.js";
import { forEachUpload, namedUploads, SPOOL_OPTIONS } from "../pending-argument.js";

/** `peekpack discard`: removes uploads that were not completed. */
export const discard: Command = {
  name: "discard",
  synopsis: "ID... | --all",
  summary: "Remove uploads that were interrupted or failed, from this disk and from the server",
  details: [
    "An object that is stored already stays. If the server cannot be reached, the upload stays pending. Uploads that another",
    "version of peekpack made are kept.",
  ].join("\n"),
  options: { ...ACCESS_OPTIONS, ...SPOOL_OPTIONS, all: { help: "all pending uploads" } },
  examples: ["discard 3f2a", "discard --all"],
  positionals: [0, Number.POSITIVE_INFINITY],
  run,
};

async function run(args: Arguments, context: Context): Promise<number> {
  const uploads = await namedUploads(args);
  const access = new ArchiveAccess(args, context);
  const isKept = ({ state }: PendingUpload): boolean => args.flag("all") && state === "unsupported";
  const chosen = uploads.filter((upload) => !isKept(upload));
  return forEachUpload(chosen, args, context, async (upload) => {
    const hasParts = ["uploading", "committing", "orphan"].includes(upload.state);
    const target = hasParts ? access.recordedTarget(upload.target, upload.put) : undefined;
    await asUsage(() => discardUpload(upload, target, { signal: context.signal }));
    return upload.id;
  });
}
