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

/** Whether this code runs in Node or a runtime with Node's modules. */
export function inNode(): boolean {
  const host = globalThis as { process?: { versions?: { node?: string } } };
  return host.process?.versions?.node !== undefined && !inBrowser();
}
