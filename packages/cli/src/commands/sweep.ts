import { ArchiveAccess } from "../archive-access.js";
import { type Arguments, UsageError } from "../arguments.js";
import { ACCESS_OPTIONS, type Command, type Context } from "../command.js";

/** `peekpack sweep`: removes multipart uploads that crashed writers have left on a server. */
export const sweep: Command = {
  name: "sweep",
  synopsis: "s3://BUCKET[/PREFIX]",
  summary: "Abort old multipart uploads that crashed writers have left on a server",
  details: [
    "Their parts are stored and billed, although no object exists. Only uploads of these credentials are aborted, unless",
    "--others is given. An upload in progress would lose its parts: choose an age that no write reaches. Prints one upload a",
    "line: when it began, its id, its key.",
  ].join("\n"),
  options: {
    ...ACCESS_OPTIONS,
    "older-than": { value: "AGE", help: "as in 90m, 12h or 7d (default 7d)" },
    "dry-run": { help: "list the uploads, and abort none" },
    others: { help: "also uploads of other identities" },
    json: { help: "print a JSON list of objects, one per line" },
  },
  examples: ["sweep --dry-run s3://bucket", "sweep --older-than 12h s3://bucket/results/"],
  positionals: [1, 1],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [prefix = ""] = args.positionals;
  const access = new ArchiveAccess(args, context);
  const uploads = await access.sweep(prefix, {
    olderThan: milliseconds(args.text("older-than") ?? "7d"),
    others: args.flag("others"),
    dryRun: args.flag("dry-run"),
    signal: context.signal,
  });
  const { output } = context;
  if (args.flag("json")) {
    const lines = uploads.map((upload) => JSON.stringify(upload));
    await output.write(lines.length === 0 ? "[]\n" : `[\n${lines.join(",\n")}\n]\n`);
    return undefined;
  }
  for (const { initiated, uploadId, key } of uploads) {
    await output.write(`${initiated.toISOString()}  ${uploadId}  ${key}\n`);
  }
  return undefined;
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @throws UsageError unless the text is an age as in 12h */
function milliseconds(text: string): number {
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count === undefined) throw new UsageError("--older-than is a number with s, m, h or d, as in 12h");
  return Number(count) * UNITS[unit]!;
}
