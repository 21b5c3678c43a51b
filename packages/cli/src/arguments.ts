import { parseArgs } from "node:util";

/** The command was called in a way that it does not have: exit status 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** One option of a command. */
export interface OptionSpec {
  /** Name of its value in help texts; absent for a switch. */
  readonly value?: string;
  readonly help: string;
}

/** Options by name, without the hyphens. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What a command was called with. Accessors check what they give. */
export class Arguments {
  readonly positionals: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(positionals: readonly string[], values: Readonly<Record<string, unknown>>) {
    this.positionals = positionals;
    this.#values = values;
  }

  /** Whether a switch was given. */
  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** The text of an option. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  /** An integer of at least 0. @throws UsageError when it is something else */
  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const count = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(count)) {
      throw new UsageError(`--${name} takes an integer of at least 0`);
    }
    return count;
  }

  /** One of some words. @throws UsageError when it is another */
  word<T extends string>(name: string, words: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new UsageError(`--${name} is one of ${words.join(", ")}`);
    return word;
  }
}

/** What hides a hyphen from the parser: no argument of a process has this character. */
const HIDDEN = "\0";

/**
 * Parses what follows the command's name. Options have no short forms, so that `-1` and `-3:` are paths.
 * @throws UsageError for unknown options and missing values
 */
export function parseArguments(argv: readonly string[], specs: OptionSpecs): Arguments {
  try {
    const { positionals, values } = parseArgs({
      args: argv.map((text) => (/^-\d/.test(text) ? HIDDEN + text : text)),
      options: Object.fromEntries(
        Object.entries(specs).map(([name, { value }]) => [
          name,
          { type: value === undefined ? ("boolean" as const) : ("string" as const) },
        ]),
      ),
      allowPositionals: true,
      strict: true,
    });
    const shown = <T>(value: T): T | string =>
      typeof value === "string" && value.startsWith(HIDDEN) ? value.slice(1) : value;
    return new Arguments(
      positionals.map(shown),
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, shown(value)])),
    );
  } catch (error) {
    // Anything else would be a mistake in the options above.
    if (!(error instanceof TypeError && "code" in error)) throw error;
    throw new UsageError(error.message.replaceAll("\n", " "));
  }
}
