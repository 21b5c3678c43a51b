import { jsonText } from "@peekpack/core/tagged";
import { ArchiveAccess } from "../archive-access.js";
import { type Arguments, UsageError } from "../arguments.js";
import { type Command, type Context, READ_OPTIONS } from "../command.js";

/** `peekpack query`: prints what a JSONPath query finds. */
export const query: Command = {
  name: "query",
  synopsis: "ARCHIVE JSONPATH",
  summary: "Print what a JSONPath query (RFC 9535) finds",
  details: [
    "Each result is a line: a JSON object with its normalized path and its value. Results are printed as they are found.",
    "Only what the query needs is read. Keys that are not text are passed over.",
  ].join("\n"),
  options: {
    ...READ_OPTIONS,
    json: { help: "print one JSON list of the objects" },
    paths: { help: "print the normalized paths alone; the values are not read" },
    values: { help: "print the values alone" },
    limit: { value: "N", help: "end after so many results" },
    tagged: { help: "print values in the tagged notation, which loses nothing" },
  },
  examples: [
    "query data.msglc '$.entries[?@.gap > 1.5].energy'",
    "query --paths s3://bucket/data.msglc '$..energy'",
    "query --values --limit 10 data.msglc '$.entries[*].name'",
  ],
  positionals: [2, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const [name = "", text = ""] = args.positionals;
  const { output, signal } = context;
  const [json, paths, values] = [args.flag("json"), args.flag("paths"), args.flag("values")];
  if (paths && values) throw new UsageError("give --paths or --values, not both");
  // Loaded here: other commands start sooner without it.
  const { query: evaluate, queryPaths } = await import("@peekpack/jsonpath");
  const form = { tagged: args.flag("tagged") };
  const options = { signal, limit: args.count("limit") };
  await new ArchiveAccess(args, context).use(name, async (archive) => {
    let separator = json ? "[\n" : "";
    for await (const { path, value } of paths
      ? pathsAlone(queryPaths(archive, text, options))
      : evaluate(archive, text, options)) {
      await output.write(separator);
      separator = json ? ",\n" : "\n";
      if (paths) {
        await output.write(json ? JSON.stringify(path) : path);
        continue;
      }
      if (!values) await output.write(`{"path":${JSON.stringify(path)},"value":`);
      await output.writeAll(jsonText(value, form));
      if (!values) await output.write("}");
    }
    if (json) await output.write(separator === "[\n" ? "[]\n" : "\n]\n");
    else if (separator !== "") await output.write("\n");
  });
  return undefined;
}

async function* pathsAlone(
  paths: AsyncIterable<string>,
): AsyncGenerator<{ readonly path: string; readonly value: undefined }> {
  for await (const path of paths) yield { path, value: undefined };
}
