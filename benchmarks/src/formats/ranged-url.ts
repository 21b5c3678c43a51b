import type { RequestEvent } from "@peekpack/core";

/** Requests of a reader, to count round trips. */
export type Requests = Pick<RequestEvent, "from" | "startedAt" | "ms">[];

/** A presigned URL that is read by ranges, for the readers of other formats. */
export class RangedUrl {
  readonly #url: string;
  readonly #requests: Requests;

  constructor(url: string, requests: Requests) {
    this.#url = url;
    this.#requests = requests;
  }

  /** Reads bytes `start` to `end`, or as many of them as there are. */
  async range(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#get(`bytes=${start}-${end - 1}`)).bytes;
  }

  /** The last bytes, and the size of the object. */
  suffix(length: number): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number }> {
    return this.#get(`bytes=-${length}`);
  }

  async whole(): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#get(undefined)).bytes;
  }

  async #get(
    range: string | undefined,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number }> {
    const startedAt = performance.now();
    const response = await fetch(this.#url, range === undefined ? {} : { headers: { range } });
    if (!response.ok) throw new Error(`${response.status} for ${range ?? "the whole object"}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    this.#requests.push({ from: "network", startedAt, ms: performance.now() - startedAt });
    const size = Number(response.headers.get("content-range")?.split("/")[1] ?? bytes.length);
    return { bytes, size };
  }
}
