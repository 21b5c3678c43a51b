import { type Archive, type PathKey, PeekpackError } from "@peekpack/core";
import { jsonText, shortJson } from "@peekpack/core/tagged";
import { UsageError } from "./arguments.js";
import { keyLabel, pathLabel } from "./key-label.js";
import { describe, entriesAt, entryLines } from "./listing.js";
import type { Output } from "./output.js";
import { exactPath, textPath } from "./path-argument.js";
import { archiveProperties, propertiesAt, propertyLines } from "./properties.js";

/** Keys that are searched for completions. */
const MAX_SEARCHED_KEYS = 10_000;

const HELP = `cd [PATH]    go to a map or a list; cd goes to the root, cd .. up
ls [PATH]    list entries: kind, items, bytes, key
cat [PATH]   print a value as JSON
info [PATH]  show the properties of a value
pwd          print the current path, as --path-json takes it
exit         leave
PATH is keys separated by /, from the current path, or from the root if it begins with /. JSON works too: ["a/b", 0].
`;

/** Runs commands from a current path in an archive. */
export class Shell {
  readonly #archive: Archive;
  readonly #output: Output;
  #path: readonly PathKey[] = [];

  constructor(archive: Archive, output: Output) {
    this.#archive = archive;
    this.#output = output;
  }

  /** The current path, for the prompt. */
  get location(): string {
    return `/${pathLabel(this.#path)}`;
  }

  /** Runs one line. @returns whether to read another one */
  async run(line: string): Promise<boolean> {
    const [, name = "", argument = ""] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line) ?? [];
    switch (name) {
      case "":
        return true;
      case "cd":
        await this.#go(argument);
        return true;
      case "ls":
        await this.#output.writeAll(
          entryLines(entriesAt(this.#archive, this.#resolve(argument)), this.#output.style),
        );
        return true;
      case "cat":
        await this.#output.writeAll(
          jsonText(await this.#archive.get(this.#resolve(argument)), { indent: 2 }),
        );
        await this.#output.write("\n");
        return true;
      case "info": {
        const path = this.#resolve(argument);
        const facts =
          path.length === 0 ? archiveProperties(this.#archive) : await propertiesAt(this.#archive, path);
        await this.#output.write(propertyLines(facts, this.#output.style));
        return true;
      }
      case "pwd":
        await this.#output.write(`${shortJson([...this.#path], { tagged: true })}\n`);
        return true;
      case "help":
        await this.#output.write(HELP);
        return true;
      case "exit":
      case "quit":
        return false;
      default:
        throw new PeekpackError("bad-path", `there is no command ${name}; help lists the commands`);
    }
  }

  /** Completes the last key of a line. @returns the completed lines, and the line itself, as readline expects them */
  async complete(line: string): Promise<[string[], string]> {
    const [, name = "", gap = "", argument = ""] = /^\s*(\S*)(\s*)(.*)$/s.exec(line) ?? [];
    if (gap === "") {
      const names = ["cd", "ls", "cat", "info", "pwd", "help", "exit"];
      return [
        names.filter((candidate) => candidate.startsWith(name)).map((candidate) => `${candidate} `),
        line,
      ];
    }
    const parent = argument.slice(0, argument.lastIndexOf("/") + 1);
    const begun = argument.slice(parent.length);
    const found: string[] = [];
    let seen = 0;
    for await (const { key, kind } of entriesAt(this.#archive, this.#resolve(parent))) {
      if (++seen > MAX_SEARCHED_KEYS) break;
      const label = keyLabel(key);
      // A key that is shown in JSON cannot be part of a path in text.
      if ((typeof key !== "number" && label !== key) || !label.startsWith(begun)) continue;
      const hasEntries = kind === "map" || kind === "list" || kind === "archive";
      found.push(`${name} ${parent}${label}${hasEntries ? "/" : ""}`);
    }
    return [found, line];
  }

  async #go(argument: string): Promise<void> {
    const path = argument === "" ? [] : this.#resolve(argument);
    const { kind } = describe(await this.#archive.get(path));
    if (!["map", "list", "array", "archive"].includes(kind)) {
      throw new PeekpackError("bad-path", `a value of type ${kind} has no entries`, { path });
    }
    this.#path = path;
  }

  #resolve(argument: string): readonly PathKey[] {
    if (argument.startsWith("[")) {
      try {
        return [...this.#path, ...exactPath(argument)];
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        throw new PeekpackError("bad-path", error.message);
      }
    }
    const path: PathKey[] = argument.startsWith("/") ? [] : [...this.#path];
    for (const segment of textPath(argument)) {
      if (segment === "..") path.pop();
      else if (segment !== ".") path.push(segment);
    }
    return path;
  }
}
