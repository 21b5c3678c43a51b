import type { Address } from "../archive/address.js";

/**
 * Takes an archive from the page that has opened this one, if the fragment names its origin: `#from=ORIGIN`. A presigned URL comes
 * as a message, so that it is never part of this page's address, nor of the browser's history.
 * @returns whether an archive is awaited
 */
export function takeHandOver(fragment: string, open: (address: Address) => void): boolean {
  const opener = window.opener as Window | null;
  const origin = new URLSearchParams(fragment.replace(/^#/, "")).get("from");
  if (opener === null || origin === null || !URL.canParse(origin) || new URL(origin).origin !== origin) {
    return false;
  }
  const take = ({ source, origin: sender, data }: MessageEvent<unknown>): void => {
    if (source !== opener || sender !== origin) return;
    const { archive } = (typeof data === "object" && data !== null ? data : {}) as { archive?: unknown };
    if (typeof archive !== "string" || !URL.canParse(archive)) return;
    const url = new URL(archive);
    if (!/^https?:$/.test(url.protocol)) return;
    removeEventListener("message", take);
    open({ kind: "url", url: url.href });
  };
  addEventListener("message", take);
  opener.postMessage({ explorer: "ready" }, origin);
  return true;
}
