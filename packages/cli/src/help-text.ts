import { readFileSync } from "node:fs";
import type { OptionSpecs } from "./arguments.js";
import type { Command } from "./command.js";

/** Options of every command. */
export const COMMON_OPTIONS: OptionSpecs = {
  quiet: { short: "q", help: "show no progress and no notes" },
  help: { short: "h", help: "show this text" },
  version: { help: "show the version" },
};

/** The version of this package, as a line. */
export function versionLine(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return `peekpack ${(JSON.parse(text) as { version: string }).version}\n`;
}

/** How a command is called, and where its help is. */
export function usageLine({ name, synopsis }: Command): string {
  return `usage: peekpack ${name} [options] ${synopsis}\n       peekpack help ${name}`;
}

/** The help of peekpack: all commands. */
export function overview(commands: readonly Command[]): string {
  const lines = commands.map(
    ({ name, synopsis, summary }) => `  ${`${name} ${synopsis}`.padEnd(36)} ${summary}`,
  );
  return [
    "usage: peekpack COMMAND [options] …",
    "",
    ...lines,
    "",
    "ARCHIVE is a file, an http(s) URL or s3://bucket/key, with the usual AWS variables and --endpoint.",
    "peekpack help COMMAND shows the options of a command and examples. peekpack --version",
    "",
  ].join("\n");
}

/** The help of one command. */
export function helpText(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(
    ([name, { short, value, optional, help }]) => {
      const shown = value === undefined ? "" : optional ? `[=${value}]` : ` ${value}`;
      const flag = `${short === undefined ? "" : `-${short}, `}--${name}${shown}`;
      return `  ${flag.padEnd(20)} ${help}`;
    },
  );
  return [
    `usage: peekpack ${command.name} [options] ${command.synopsis}`,
    "",
    `${command.summary}.`,
    ...(command.details === undefined ? [] : ["", command.details]),
    "",
    ...options,
    "",
    "examples:",
    ...command.examples.map((example) => `  peekpack ${example}`),
    "",
  ].join("\n");
}
