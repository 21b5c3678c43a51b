import type { PendingUpload } from "@peekpack/node-storage";
import type { Arguments } from "../arguments.js";
import type { Command, Context } from "../command.js";
import { listedUploads, SPOOL_OPTIONS } from "../pending-argument.js";
import type { Style } from "../style.js";
import { escapeControls } from "../terminal-text.js";

/** `peekpack pending`: lists uploads that were not completed. */
export const pending: Command = {
  name: "pending",
  synopsis: "",
  summary: "List the uploads that were interrupted or failed and can be resumed",
  details: [
    "One upload a line: id, state, size, bytes on the server, when it began, target. The states: sealed (complete here,",
    "nothing was sent), uploading (some parts were sent), committing (the object may exist already), unfinished (the",
    "archive is incomplete: discard it), orphan (the archive is gone, parts are on the server), damaged, unsupported",
    "(another version made it). Spools of running processes are not listed.",
  ].join("\n"),
  options: { ...SPOOL_OPTIONS, json: { help: "print a JSON list of objects, one per line" } },
  examples: ["pending", "pending --json"],
  positionals: [0, 0],
  run,
};

async function run(args: Arguments, { output }: Context): Promise<undefined> {
  const uploads = await listedUploads(args);
  if (args.flag("json")) {
    const lines = uploads.map((upload) => JSON.stringify(upload));
    await output.write(lines.length === 0 ? "[]\n" : `[\n${lines.join(",\n")}\n]\n`);
  } else if (uploads.length === 0 && output.isTerminal) {
    await output.write("no uploads are pending\n");
  } else {
    await output.write(uploads.map((upload) => pendingLine(upload, output.style)).join(""));
  }
  return undefined;
}

function pendingLine(upload: PendingUpload, style: Style): string {
  const { id, state, size, bytesUploaded, begun, target, problem, failure } = upload;
  const cells = [
    id,
    style.paint(
      state.padEnd(11),
      state === "sealed" || state === "uploading" || state === "committing" ? "green" : "yellow",
    ),
    (size === undefined ? "-" : style.bytes(size)).padStart(12),
    style.bytes(bytesUploaded).padStart(12),
    begun?.toISOString().slice(0, 19) ?? "-",
    escapeControls(target ?? "-"),
  ];
  const why = problem ?? (failure === undefined ? undefined : `failed with ${failure}`);
  return `${cells.join("  ")}${why === undefined ? "" : `  ${style.paint(escapeControls(why), "dim")}`}\n`;
}
