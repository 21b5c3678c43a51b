import { test } from "../browser-test.js";
import type { FeatureReport } from "./page/features.js";
import type { Methods, Outcome } from "./page/main.js";

/** Result of a method of the page. */
export type ResultOf<M extends keyof Methods> = Awaited<ReturnType<Methods[M]>>;

/** A tab with the page under test, in any browser. */
export interface Tab {
  /** Calls a method of the page. @throws PageError */
  call<M extends keyof Methods>(name: M, ...args: Parameters<Methods[M]>): Promise<ResultOf<M>>;
  /** Closes the tab as a user does, without asking the page. */
  close(): Promise<void>;
}

/** A feature that a browser may lack. */
export type Feature = keyof FeatureReport;

/** A browser with its own profile on disk. */
export interface BrowserUnderTest {
  /** Missing features, each with a message. Default: none may be missing. */
  readonly lacks?: Readonly<Partial<Record<Feature, string>>>;
  /** Opens the page in a new tab. */
  open(): Promise<Tab>;
  close(): Promise<void>;
}

/** Skips a test in a browser that lacks a feature. */
export function skipLacking({ lacks = {} }: BrowserUnderTest, feature: Feature): void {
  test.skip(lacks[feature] !== undefined, lacks[feature] ?? "");
}

/** An error that the page reported. */
export class PageError extends Error {
  readonly code: string | undefined;

  constructor({ name, code, message }: NonNullable<Outcome<unknown>["error"]>) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

/** Makes a tab from functions that call its page and close it. */
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
