import { publicUrl } from "../errors.js";
import { type ObjectSourceOptions, objectSource } from "./object-source.js";
import type { RangeSource } from "./range-source.js";
import type { RangeTransport, Refusal, TransportAnswer } from "./range-transport.js";

/** A request as `sign` gets it. */
export interface SignableRequest {
  readonly url: string;
  readonly method: "GET";
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** How an object behind a URL is read. */
export interface HttpSourceOptions
  extends Partial<Omit<ObjectSourceOptions, "browser" | "ifMatch" | "suffixRanges">> {
  /** Sends the requests. Default: the global fetch, as it is at the time of the request. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<TransportAnswer>) | undefined;
  /** Headers for every request. Any beyond the CORS-safelisted ones costs a preflight across origins. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** More for every fetch: `credentials`, `referrerPolicy`, … */
  readonly init?: Omit<RequestInit, "headers" | "method" | "signal" | "body"> | undefined;
  /** Signs each request: gives the URL and all headers to send. */
  readonly sign?:
    | ((
        request: SignableRequest,
      ) => Promise<{ readonly url: string; readonly headers: Readonly<Record<string, string>> }>)
    | undefined;
  /**
   * Asked once for all requests that met the same refusal (400, 401, 403): renew what `sign` signs with. Resolves with
   * whether asking again makes sense. A URL given as a function is asked for again without it.
   */
  readonly renew?: ((refusal: Refusal) => Promise<boolean>) | undefined;
  /**
   * Whether the tail is asked for as a suffix (`bytes=-n`), together with the head, before the size is known. That saves
   * a round trip, but is not CORS-safelisted. `auto` (default): unless it would cost a preflight, which is a round trip
   * itself and needs `Range` among the allowed headers: across origins in a browser, when no header of the request needs
   * one anyway. Where it is not, the tail is asked for when the head has told the size.
   */
  readonly suffixRanges?: boolean | "auto" | undefined;
  /**
   * How the version is held: `if-match` sends the ETag as a condition besides comparing; `compare` compares every
   * answer's only. `auto` (default): `compare` across origins in a browser, where the condition is not CORS-safelisted.
   */
  readonly conditional?: "if-match" | "compare" | "auto" | undefined;
}

/** Header names that need no preflight (Fetch standard, CORS-safelisted request-header), `range` in closed form aside. */
const safelisted = /^(accept|accept-language|content-language|content-type)$/i;

/**
 * Reads an object behind a URL by ranges. The URL may be a function: it is called at first use, and again after the
 * server has refused, as presigned URLs expire.
 * @throws TypeError when the URL is none or holds a user or password, and when a function comes without a label
 */
export function httpSource(
  url: string | URL | (() => string | URL | Promise<string | URL>),
  options: HttpSourceOptions = {},
): RangeSource {
  const { headers = {}, init, sign, renew, suffixRanges = "auto", conditional = "auto", ...rest } = options;
  const here = globalThis.location?.href;
  const provider = typeof url === "function" ? url : undefined;
  let current: Promise<string> | undefined = provider
    ? undefined
    : Promise.resolve(checkUrl(url as string, here));
  if (provider && options.label === undefined)
    throw new TypeError("A URL given as a function needs a label.");
  const browser = here !== undefined;
  /** Of a URL that comes later nothing is known: the careful way is right for any. */
  const crossOrigin =
    browser && (provider !== undefined || new URL(String(url), here).origin !== globalThis.location.origin);
  const preflight = sign !== undefined || Object.keys(headers).some((name) => !safelisted.test(name));
  const transport: RangeTransport = {
    async get(request) {
      current ??= Promise.resolve(provider!()).then((fresh) => checkUrl(fresh, here));
      const target = await current.catch((error: unknown) => {
        current = undefined;
        throw error;
      });
      const all = { ...headers, ...request.headers };
      const signed = sign
        ? await sign({ url: target, method: "GET", headers: all })
        : { url: target, headers: all };
      return (options.fetch ?? globalThis.fetch)(signed.url, {
        ...init,
        headers: signed.headers,
        signal: request.signal,
        ...(request.fresh && browser ? { cache: "no-store" } : {}),
      });
    },
    ...(renew || provider
      ? {
          async renew(refusal: Refusal) {
            current = provider ? undefined : current;
            return renew ? renew(refusal) : true;
          },
        }
      : {}),
  };
  return objectSource(transport, {
    ...rest,
    label: options.label ?? publicUrl(new URL(String(url), here)),
    browser,
    suffixRanges: suffixRanges === "auto" ? !crossOrigin || preflight : suffixRanges,
    ifMatch: conditional === "auto" ? !crossOrigin : conditional === "if-match",
  });
}

/** The URL as text. URL's own error would repeat the query. */
function checkUrl(url: string | URL, base: string | undefined): string {
  const parsed = URL.canParse(String(url), base) ? new URL(String(url), base) : undefined;
  if (parsed === undefined || parsed.username !== "" || parsed.password !== "") {
    throw new TypeError(
      `${publicUrl(url)} is not a URL to fetch${parsed ? ": pass credentials in a header" : ""}.`,
    );
  }
  parsed.hash = "";
  return parsed.href;
}
