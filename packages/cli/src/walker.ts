import { type Archive, type PathKey, PeekpackError } from "@peekpack/core";
import { UsageError } from "./arguments.js";
import { archiveFacts, factLines, factsAt } from "./facts.js";
import { jsonText, shortJson } from "./json-text.js";
import { keyLabel } from "./key-label.js";
import { describe, entriesAt, entryLines } from "./listing.js";
import type { Output } from "./output.js";
import { exactPath, textPath } from "./path-argument.js";

/** Keys that are looked at to complete one. */
const COMPLETED = 10_000;

const HELP = `cd [PATH]    go to a map or a list; cd alone goes to the root, cd .. up
ls [PATH]    list entries: kind, items, bytes, key
cat [PATH]   print a value as JSON
info [PATH]  tell what lies there
pwd          print where this is, as --path-json takes it
exit         leave
A PATH is keys with / between them, from here or, with / in front, from the root; or JSON, as in ["a/b", 0].
`;

/** A place in an archive that commands move and look from. */
export class Walker {
  readonly #archive: Archive;
  readonly #output: Output;
  #path: readonly PathKey[] = [];

  constructor(archive: Archive, output: Output) {
    this.#archive = archive;
    this.#output = output;
  }

  /** Where it is, for people. */
  get place(): string {
    return `/${this.#path.map(keyLabel).join("/")}`;
  }

  /** Does what a line says. @returns whether there is to be another */
  async run(line: string): Promise<boolean> {
    const [, name = "", argument = ""] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line) ?? [];
    switch (name) {
      case "":
        return true;
      case "cd":
        await this.#go(argument);
        return true;
      case "ls":
        await this.#output.writeAll(entryLines(entriesAt(this.#archive, this.#resolve(argument))));
        return true;
      case "cat":
        await this.#output.writeAll(
          jsonText(await this.#archive.get(this.#resolve(argument)), { indent: 2 }),
        );
        await this.#output.write("\n");
        return true;
      case "info": {
        const path = this.#resolve(argument);
        const facts = path.length === 0 ? archiveFacts(this.#archive) : await factsAt(this.#archive, path);
        await this.#output.write(factLines(facts));
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
        throw new PeekpackError("bad-path", `there is no ${name}: help lists what there is`);
    }
  }

  /** Completes the last key of a line. @returns whole lines that it may become, and the line, as readline has it */
  async complete(line: string): Promise<[string[], string]> {
    const [, name = "", gap = "", argument = ""] = /^\s*(\S*)(\s*)(.*)$/s.exec(line) ?? [];
    if (gap === "") {
      const names = ["cd", "ls", "cat", "info", "pwd", "help", "exit"];
      return [
        names.filter((candidate) => candidate.startsWith(name)).map((candidate) => `${candidate} `),
        line,
      ];
    }
    const above = argument.slice(0, argument.lastIndexOf("/") + 1);
    const begun = argument.slice(above.length);
    const found: string[] = [];
    let seen = 0;
    for await (const { key, kind } of entriesAt(this.#archive, this.#resolve(above))) {
      if (++seen > COMPLETED) break;
      const label = keyLabel(key);
      // A key that stands in JSON is no part of a path in text.
      if ((typeof key !== "number" && label !== key) || !label.startsWith(begun)) continue;
      const goesOn = kind === "map" || kind === "list" || kind === "archive";
      found.push(`${name} ${above}${label}${goesOn ? "/" : ""}`);
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
