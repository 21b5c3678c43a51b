import { PeekpackError } from "@peekpack/core";
import { pageUrl } from "@peekpack/core/internal";

/**
 * An environment variable in Node, Bun and Deno; undefined in a browser, and if it is empty.
 * @throws PeekpackError `denied` if Deno has no permission to read it
 */
export function environmentVariable(name: string): string | undefined {
  const host = globalThis as { process?: { env?: Record<string, string | undefined> } };
  try {
    return host.process?.env?.[name] || undefined;
  } catch (cause) {
    throw new PeekpackError("denied", `Could not read ${name}: ${(cause as Error).message}.`, { cause });
  }
}

/** Whether this code runs in a page or a worker of a browser. */
export function inBrowser(): boolean {
  return pageUrl() !== undefined;
}

/** Whether this code runs in Node, Bun or Deno. Not in workerd: its `nodejs_compat` names a version of Node as well. */
export function inNode(): boolean {
  const host = globalThis as {
    process?: { versions?: { node?: string } };
    navigator?: { userAgent?: string };
  };
  const inWorkerd = host.navigator?.userAgent === "Cloudflare-Workers";
  return host.process?.versions?.node !== undefined && !inBrowser() && !inWorkerd;
}
