import { pageUrl } from "@peekpack/core/internal";

/** Environment variables in Node, Bun and Deno; empty in a browser. Reads them at each call. */
export function environment(): Readonly<Record<string, string | undefined>> {
  const host = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return host.process?.env ?? {};
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
