import type { Methods, Outcome } from "./page/main.js";

/** What a method of the page gives, awaited and copied. */
export type Given<M extends keyof Methods> = Awaited<ReturnType<Methods[M]>>;

/** A tab with the page under test in it, whatever the browser and whatever drives it. */
export interface Tab {
  /** Calls a method of the page. @throws PageError */
  call<M extends keyof Methods>(name: M, ...args: Parameters<Methods[M]>): Promise<Given<M>>;
  /** Closes the tab as a person does, without asking the page. */
  close(): Promise<void>;
}

/** A browser with a profile of its own, on disk. */
export interface BrowserUnderTest {
  /** Opens the page in a new tab. */
  open(): Promise<Tab>;
  close(): Promise<void>;
}

/** An error of the page. */
export class PageError extends Error {
  readonly code: string | undefined;

  constructor({ name, code, message }: NonNullable<Outcome<unknown>["error"]>) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

/** A tab, from what drives it. */
export function tab(
  run: (name: keyof Methods, args: readonly unknown[]) => Promise<Outcome<unknown>>,
  close: () => Promise<void>,
): Tab {
  const call = async (name: keyof Methods, ...args: readonly unknown[]): Promise<unknown> => {
    const { value, error } = await run(name, args);
    if (error !== undefined) throw new PageError(error);
    return value;
  };
  return { call: call as Tab["call"], close };
}
