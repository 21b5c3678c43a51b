import { ArchiveAccess } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import { byteChart } from "../byte-chart.js";
import { type Command, type Context, PATH_OPTIONS, READ_OPTIONS } from "../command.js";
import { archiveAndPath } from "../path-argument.js";
import { archiveProperties, propertiesAt, propertyLines } from "../properties.js";

/** `peekpack info`: shows the properties of an archive, or of a value in it. */
export const info: Command = {
  name: "info",
  synopsis: "ARCHIVE [PATH]",
  summary: "Show the properties of an archive, or of the value at a path",
  details: [
    "Without PATH only the header and the table of contents are read. On a terminal, sizes are rounded, and a chart shows",
    "where the bytes are: header, data, table of contents, page index, the largest entries, and what opening reads.",
  ].join("\n"),
  options: { ...READ_OPTIONS, ...PATH_OPTIONS, json: { help: "print one JSON object" } },
  examples: ["info data.msglc", "info --json https://example.org/data.msglc entries"],
  positionals: [1, 2],
  run,
};

async function run(args: Arguments, context: Context): Promise<undefined> {
  const { archive: name, path } = archiveAndPath(args);
  const { output } = context;
  const access = new ArchiveAccess(args, context);
  await access.use(name, async (archive) => {
    const isWhole = path.length === 0;
    const cost = access.costOf(archive);
    const properties = isWhole
      ? {
          ...archiveProperties(archive, access.compressedSize),
          openingBytes: cost.bytes,
          openingRequests: cost.requests,
        }
      : await propertiesAt(archive, path);
    await output.write(
      args.flag("json") ? `${JSON.stringify(properties)}\n` : propertyLines(properties, output.style),
    );
    if (isWhole && output.isTerminal && !args.flag("json")) {
      await output.write(await byteChart(archive, cost, output.style));
    }
  });
  return undefined;
}
