import { parseArgs } from "node:util";
import { closest } from "./closest.js";

/** Wrong usage of the command: exit status 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** One option of a command. */
export interface OptionSpec {
  /** Name of its value in help texts. Absent for a switch. */
  readonly value?: string;
  /** The words that its value may be, for completion. */
  readonly words?: readonly string[];
  /** Whether the value may be left out: then it is empty. Given, it follows `=`. */
  readonly optional?: boolean;
  /** A letter. No digit: `-1` is a path. */
  readonly short?: string;
  readonly help: string;
}

/** Options by name, without the hyphens. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The arguments of a command. Accessors check the values. */
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

  /** The value of an option that takes an integer of at least 0. @throws UsageError for any other value */
  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const count = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(count)) {
      throw new UsageError(`--${name} takes an integer of at least 0`);
    }
    return count;
  }

  /** The value of an option that takes one of some words. @throws UsageError for any other value */
  word<T extends string>(name: string, words: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new UsageError(`--${name} is one of ${words.join(", ")}`);
    return word;
  }
}

/** Put before a hyphen to hide it from the parser. No argument of a process contains this character. */
const HIDDEN = "\0";

/**
 * Parses the arguments after the command's name. `-1` and `-3:` are paths: no short option is a digit.
 * @throws UsageError for unknown options and missing values
 */
export function parseArguments(argv: readonly string[], specs: OptionSpecs): Arguments {
  try {
    const { positionals, values } = parseArgs({
      args: argv.map((text) => {
        if (/^-\d/.test(text)) return HIDDEN + text;
        return text.startsWith("--") && specs[text.slice(2)]?.optional ? `${text}=` : text;
      }),
      options: Object.fromEntries(
        Object.entries(specs).map(([name, { value, short }]) => [
          name,
          {
            type: value === undefined ? ("boolean" as const) : ("string" as const),
            ...(short === undefined ? {} : { short }),
          },
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
    // Any other error is a mistake in `specs`.
    if (!(error instanceof TypeError && "code" in error)) throw error;
    throw new UsageError(optionFault(error, specs) ?? error.message.replaceAll("\n", " "));
  }
}

/** The message for an unknown option, with the option that was most likely meant. */
function optionFault(error: TypeError & { code?: unknown }, specs: OptionSpecs): string | undefined {
  const [, option] = /'--?([^']+)'/.exec(error.message) ?? [];
  if (error.code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION" || option === undefined) return undefined;
  const similar = closest(option, Object.keys(specs));
  const fault = `there is no option ${option.length === 1 ? "-" : "--"}${option}`;
  return similar === undefined ? fault : `${fault}. Did you mean --${similar}?`;
}
