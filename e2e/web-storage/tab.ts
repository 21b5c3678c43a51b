import { test } from "../browser-test.js";
import type { FeatureReport } from "./page/features.js";
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

/** What a browser may lack. */
export type Feature = keyof FeatureReport;

/** A browser with a profile of its own, on disk. */
export interface BrowserUnderTest {
  /** What it lacks, in words that name its version, as it was found out in a page of it. Default: nothing may be lacking. */
  readonly lacks?: Readonly<Partial<Record<Feature, string>>>;
  /** Opens the page in a new tab. */
  open(): Promise<Tab>;
  close(): Promise<void>;
}

/** Ends a test, counted as skipped, in a browser that lacks what it needs. */
export function skipLacking({ lacks = {} }: BrowserUnderTest, feature: Feature): void {
  test.skip(lacks[feature] !== undefined, lacks[feature] ?? "");
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
