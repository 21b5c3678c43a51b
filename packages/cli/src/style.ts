import { formatSize } from "@peekpack/core/inspect";

/** ANSI codes: bold, dim, and colors. */
const CODES = { bold: 1, dim: 2, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;

/** How text is formatted: with colors and readable sizes on a terminal, plain and exact elsewhere. */
export class Style {
  readonly isTerminal: boolean;
  readonly #colors: boolean;

  /** Colors are used on a terminal, unless NO_COLOR is set or TERM is "dumb". */
  constructor(isTerminal: boolean, env: NodeJS.ProcessEnv = process.env) {
    this.isTerminal = isTerminal;
    this.#colors = isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
  }

  /** Text in a color. */
  paint(text: string, color: keyof typeof CODES): string {
    return this.#colors ? `\u001b[${CODES[color]}m${text}\u001b[0m` : text;
  }

  /** A size: 1.2 MB on a terminal, the number of bytes elsewhere. */
  bytes(bytes: number): string {
    return this.isTerminal ? formatSize(bytes) : String(bytes);
  }

  /** A count: 12,345 on a terminal, plain digits elsewhere. */
  count(count: number): string {
    return this.isTerminal ? count.toLocaleString("en") : String(count);
  }
}
