import type { Capability, StoreCapabilities } from "@peekpack/s3";
import { ArchiveAccess } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import { ACCESS_OPTIONS, type Command, type Context } from "../command.js";
import type { Style } from "../style.js";
import { escapeControls } from "../terminal-text.js";

/** `peekpack doctor`: finds out what an S3 service can do. */
export const doctor: Command = {
  name: "doctor",
  synopsis: "s3://BUCKET[/PREFIX]",
  summary: "Find out what an S3 service supports, what is missing, and what to do about it",
  details: [
    "Sends about forty small requests, and writes and deletes objects of a few bytes under the prefix. The exit status is 1",
    "if the bucket cannot be reached, read or written.",
  ].join("\n"),
  options: {
    ...ACCESS_OPTIONS,
    origin: {
      value: "URL",
      help: "origin of a page that reads the bucket, for CORS, as in https://app.example",
    },
    json: { help: "print one JSON object" },
  },
  examples: ["doctor s3://bucket", "doctor --origin https://app.example s3://bucket/data/"],
  positionals: [1, 1],
  run,
};

/** Without these, no archive can be read or written. */
const ESSENTIAL = ["reach", "credentials", "bucket", "write", "ranges"] as const;

async function run(args: Arguments, context: Context): Promise<number> {
  const [prefix = ""] = args.positionals;
  const { output, signal } = context;
  const access = new ArchiveAccess(args, context);
  const found = await access.capabilities(prefix, { origin: args.text("origin"), signal });
  await output.write(args.flag("json") ? `${JSON.stringify(found)}\n` : report(found, output.style));
  return ESSENTIAL.some((name) => found[name].supported === false) ? 1 : 0;
}

function report({ label, missing, ...features }: StoreCapabilities, style: Style): string {
  const lines = Object.entries(features).map(([name, feature]) => featureLine(name, feature, style));
  const count = missing.length;
  const summary =
    count === 0 ? "nothing is missing" : `${count} ${count === 1 ? "feature is" : "features are"} missing`;
  return `${escapeControls(label)}: ${summary}\n${lines.join("")}`;
}

function featureLine(name: string, { supported, explanation }: Capability, style: Style): string {
  const [word, color] =
    supported === undefined
      ? (["?", "dim"] as const)
      : supported
        ? (["ok", "green"] as const)
        : (["missing", "yellow"] as const);
  return `${style.paint(word.padEnd(8), color)}${name.padEnd(20)}${escapeControls(explanation)}\n`;
}
