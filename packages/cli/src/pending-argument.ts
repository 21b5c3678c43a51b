import { PeekpackError } from "@peekpack/core";
import { type PendingUpload, pendingUploads } from "@peekpack/node-storage";
import { type Arguments, type OptionSpecs, UsageError } from "./arguments.js";
import type { Context } from "./command.js";
import { errorLine } from "./error-line.js";
import { OutputClosed } from "./output.js";

/** Options of the commands for pending uploads. */
export const SPOOL_OPTIONS: OptionSpecs = {
  directory: {
    value: "DIR",
    help: "where the spools are, if not in one of the default directories",
  },
};

/** The spools that ended processes have left. */
export function listedUploads(args: Arguments): Promise<PendingUpload[]> {
  return pendingUploads({ directory: args.text("directory") });
}

/**
 * The uploads that the arguments name: by their id, or its beginning if that is unique. With `--all`, every one.
 * @throws UsageError if neither is given, or both are
 * @throws PeekpackError `not-found` for an id that no upload has
 */
export async function namedUploads(args: Arguments): Promise<PendingUpload[]> {
  const all = args.flag("all");
  if (all === args.positionals.length > 0) throw new UsageError("give the ID of an upload, or --all");
  const pending = await listedUploads(args);
  if (all) return pending;
  return args.positionals.map((id) => {
    const found = pending.filter((upload) => id !== "" && upload.id.startsWith(id));
    const exact = found.find((upload) => upload.id === id) ?? (found.length === 1 ? found[0] : undefined);
    if (exact !== undefined) return exact;
    const fault = found.length > 1 ? `${found.length} uploads begin with` : "there is no pending upload";
    throw new PeekpackError("not-found", `${fault} ${JSON.stringify(id)}: peekpack pending lists them`);
  });
}

/**
 * Does something with each upload, and prints what it returns. With `--all`, an upload that fails does not stop the others.
 * @returns the exit status
 */
export async function forEachUpload(
  uploads: readonly PendingUpload[],
  args: Arguments,
  { output, progress, signal, stderr }: Context,
  work: (upload: PendingUpload) => Promise<string>,
): Promise<number> {
  let failed = false;
  for (const upload of uploads) {
    try {
      await output.write(`${await work(upload)}\n`);
    } catch (error) {
      if (!args.flag("all") || signal?.aborted || error instanceof OutputClosed) throw error;
      failed = true;
      progress.hide();
      stderr.write(`peekpack: ${errorLine(error)}\n`);
    }
  }
  return failed ? 1 : 0;
}
