import { publicUrl } from "../errors.js";
import { pageUrl } from "./environment.js";
import { type ObjectSourceOptions, objectSource } from "./object-source.js";
import type { ClosableSource } from "./range-source.js";
import type { TransportResponse } from "./range-transport.js";

/** Options of {@link httpSource}. */
export interface HttpSourceOptions
  extends Partial<Omit<ObjectSourceOptions, "browser" | "ifMatch" | "suffixRanges">> {
  /** Sends the requests, and may sign them. Default: the global fetch, as it is at the time of the request. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<TransportResponse>) | undefined;
  /**
   * Headers for every request. Any beyond the CORS-safelisted ones costs a preflight across origins. They stay with the URL's
   * origin: a redirect to another is followed without them. A browser does not say where a redirect leads, so with headers it is
   * a `network` error there; `init: { redirect: "follow" }` follows it and sends the headers along.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Further options for every fetch: `credentials`, `referrerPolicy`, … */
  readonly init?: Omit<RequestInit, "headers" | "method" | "signal" | "body"> | undefined;
  /**
   * Whether the tail is requested as a suffix (`bytes=-n`), together with the head, before the size is known. That saves a round
   * trip, but is not CORS-safelisted. Otherwise the tail is requested once the head has told the size. `auto` (default): true
   * unless the suffix alone would cause a preflight. A preflight happens across origins in a browser, costs a round trip itself and
   * needs `Range` among the allowed headers.
   */
  readonly suffixRanges?: boolean | "auto" | undefined;
  /**
   * Whether `If-Match` is sent once the ETag is known. The version of responses is checked in any case. `auto` (default): not
   * across origins in a browser, where `If-Match` is not CORS-safelisted.
   */
  readonly ifMatch?: boolean | "auto" | undefined;
}

/** Header names that need no preflight (Fetch standard, CORS-safelisted request-header), besides a closed `range`. */
const safelisted = /^(accept|(accept|content)-language|content-type)$/i;

/**
 * Reads an object over HTTP by ranges. The URL may be a function. It is called at first use, and again when the server refuses
 * requests, once for all of them: presigned URLs expire.
 * @throws TypeError if the URL is invalid or contains a user or password, or if `url` is a function and there is no label
 */
export function httpSource(
  url: string | URL | (() => string | URL | Promise<string | URL>),
  options: HttpSourceOptions = {},
): ClosableSource {
  const { headers, init, suffixRanges = "auto", ifMatch = "auto", label, ...rest } = options;
  const page = pageUrl();
  const provider = typeof url === "function" && url;
  const fixed = provider ? undefined : checkedUrl(url as string);
  if (!(fixed ?? label)) throw new TypeError("A URL function needs a label.");
  let current: Promise<URL> | undefined;
  const provide = async (): Promise<URL> => {
    try {
      return checkedUrl(await (provider as () => Promise<string>)());
    } catch (error) {
      current = undefined;
      throw error;
    }
  };
  // The origin of a URL function is unknown. What works across origins works within one.
  const crossOrigin = page && fixed?.origin !== page.origin;
  return objectSource(
    {
      async get({ headers: required, signal, fresh }) {
        if (provider) current ??= provide();
        let url = fixed ?? (await current!);
        let own = headers;
        // As many as fetch follows.
        for (let redirects = 20; ; redirects--) {
          const response = await (options.fetch ?? globalThis.fetch)(url.href, {
            ...(fresh && { cache: "no-store" }),
            redirect: own ? "manual" : "follow",
            ...init,
            headers: { ...own, ...required },
            signal,
          });
          const location = own && redirects && response.status < 400 && response.headers.get("location");
          if (!location) return response;
          response.body?.cancel().catch(() => {});
          const { origin } = url;
          url = new URL(location, url);
          if (url.origin !== origin) own = undefined;
        }
      },
      ...(provider && {
        async renew() {
          current = provide();
          return !!(await current);
        },
      }),
    },
    {
      ...rest,
      label: label ?? publicUrl(fixed!),
      browser: !!page,
      suffixRanges:
        suffixRanges === "auto"
          ? !crossOrigin || Object.keys(headers ?? {}).some((name) => !safelisted.test(name))
          : suffixRanges,
      ifMatch: ifMatch === "auto" ? !crossOrigin : ifMatch,
    },
  );
}

/** Parses a URL. The error of `new URL` would repeat the query. */
function checkedUrl(url: string | URL): URL {
  const base = pageUrl()?.href;
  const parsed = URL.canParse(url, base) && new URL(url, base);
  if (!parsed || parsed.username || parsed.password) {
    throw new TypeError(`${publicUrl(url)} is not a URL to fetch${parsed ? ": it has credentials" : ""}.`);
  }
  return parsed;
}
