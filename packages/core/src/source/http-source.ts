import { publicUrl } from "../errors.js";
import { type ObjectSourceOptions, objectSource } from "./object-source.js";
import type { RangeSource } from "./range-source.js";
import type { TransportResponse } from "./range-transport.js";

/** How an object behind a URL is read. */
export interface HttpSourceOptions
  extends Partial<Omit<ObjectSourceOptions, "browser" | "ifMatch" | "suffixRanges">> {
  /** Sends the requests, and may sign them. Default: the global fetch, as it is at the time of the request. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<TransportResponse>) | undefined;
  /** Headers for every request. Any beyond the CORS-safelisted ones costs a preflight across origins. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** More for every fetch: `credentials`, `referrerPolicy`, … */
  readonly init?: Omit<RequestInit, "headers" | "method" | "signal" | "body"> | undefined;
  /**
   * Whether the tail is asked for as a suffix (`bytes=-n`), together with the head, before the size is known. That saves
   * a round trip, but is not CORS-safelisted. `auto` (default): unless it would cost a preflight, which is a round trip
   * itself and needs `Range` among the allowed headers: across origins in a browser, when no header of the request needs
   * one anyway. Where it is not, the tail is asked for when the head has told the size.
   */
  readonly suffixRanges?: boolean | "auto" | undefined;
  /**
   * How the version is held: `if-match` sends the ETag as a condition besides comparing; `compare` only compares every
   * answer's. `auto` (default): `compare` across origins in a browser, where the condition is not CORS-safelisted.
   */
  readonly conditional?: "if-match" | "compare" | "auto" | undefined;
}

/** Header names that need no preflight (Fetch standard, CORS-safelisted request-header), a closed `range` aside. */
const safelisted = /^(accept|(accept|content)-language|content-type)$/i;

/**
 * Reads an object behind a URL by ranges. The URL may be a function, which is called at first use and again, once for
 * all requests, when the server has refused: presigned URLs expire.
 * @throws TypeError when the URL is none or holds a user or password, and when a function comes without a label
 */
export function httpSource(
  url: string | URL | (() => string | URL | Promise<string | URL>),
  options: HttpSourceOptions = {},
): RangeSource {
  const { headers = {}, init, suffixRanges = "auto", conditional = "auto", label, ...rest } = options;
  const here = globalThis.location?.href;
  const provider = typeof url === "function" && url;
  const given = provider ? undefined : checkedUrl(url as string, here);
  if (!(given ?? label)) throw new TypeError("A URL given as a function needs a label.");
  let current: Promise<string> | undefined;
  const ask = async (): Promise<string> => {
    try {
      return checkedUrl(await (provider as () => Promise<string>)(), here).href;
    } catch (error) {
      current = undefined;
      throw error;
    }
  };
  /** Of a URL that comes later nothing is known: what is right across origins is right for any. */
  const crossOrigin = here !== undefined && given?.origin !== globalThis.location.origin;
  return objectSource(
    {
      async get({ headers: more, signal, fresh }) {
        if (provider) current ??= ask();
        return (options.fetch ?? globalThis.fetch)(given?.href ?? (await current!), {
          ...(fresh && { cache: "no-store" }),
          ...init,
          headers: { ...headers, ...more },
          signal,
        });
      },
      ...(provider && {
        async renew() {
          current = ask();
          await current;
          return true;
        },
      }),
    },
    {
      ...rest,
      label: label ?? publicUrl(given!),
      browser: here !== undefined,
      suffixRanges:
        suffixRanges === "auto"
          ? !crossOrigin || Object.keys(headers).some((name) => !safelisted.test(name))
          : suffixRanges,
      ifMatch: conditional === "auto" ? !crossOrigin : conditional === "if-match",
    },
  );
}

/** The URL, parsed. URL's own error would repeat the query. */
function checkedUrl(url: string | URL, base: string | undefined): URL {
  const parsed = URL.canParse(url, base) && new URL(url, base);
  if (!parsed || parsed.username || parsed.password) {
    throw new TypeError(`${publicUrl(url)} is not a URL to fetch${parsed ? ": it has credentials" : ""}.`);
  }
  return parsed;
}
