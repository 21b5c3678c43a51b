import { type Archive, httpSource, openArchive, type ReadStats, slice } from "@peekpack/core";
import { query } from "@peekpack/jsonpath";
import { zstdSource } from "@peekpack/zstd";
import { transfer } from "comlink";
import { About, Station } from "./schema.js";

/** Values that are read and drawn at once. */
const PIECE = 4096;
/** Rows of the table. */
export const MAX_ROWS = 200;
/** Rows are handed over at least so often. */
const BATCH_MS = 50;

/** What an open archive is, and what reading has cost so far. */
export interface Traffic extends Pick<ReadStats, "requests" | "bytes"> {
  /** Size of the archive, not compressed. */
  readonly size: number;
}

/**
 * The archive of stations, in a worker. The page calls it through Comlink. A query ends the one before, and a column too:
 * `false` says that a newer call has replaced this one.
 */
export class StationArchive {
  readonly #opened: Promise<{ readonly archive: Archive; readonly about: About }>;
  #query = new AbortController();
  #column = new AbortController();

  /** @param presigner gives a URL of the archive. It is asked again when the server refuses the URL. */
  constructor(presigner: string) {
    const url = async (): Promise<string> => (await fetch(presigner)).text();
    this.#opened = this.#open(zstdSource(httpSource(url, { label: "the archive of stations" })));
    // Each call rejects with it.
    this.#opened.catch(() => {});
  }

  async #open(source: ReturnType<typeof zstdSource>): Promise<{ archive: Archive; about: About }> {
    const archive = await openArchive(source);
    return { archive, about: await archive.read("about", { schema: About }) };
  }

  async about(): Promise<About> {
    return (await this.#opened).about;
  }

  async traffic(): Promise<Traffic> {
    const { archive } = await this.#opened;
    const { requests, bytes } = archive.stats;
    return { requests, bytes, size: archive.info.size };
  }

  /**
   * Hands over the stations that a JSONPath query finds, at most {@link MAX_ROWS}, as they arrive. Rejects if the text is not a
   * query, or finds something that is not a station.
   */
  async query(text: string, onRows: (rows: readonly Station[]) => void): Promise<boolean> {
    this.#query.abort();
    this.#query = new AbortController();
    const { signal } = this.#query;
    return unlessReplaced(signal, async () => {
      const { archive } = await this.#opened;
      let rows: Station[] = [];
      let handedOver = performance.now();
      const handOver = (): void => {
        signal.throwIfAborted();
        onRows(rows);
        rows = [];
        handedOver = performance.now();
      };
      for await (const { value } of query(archive, text, { schema: Station, limit: MAX_ROWS, signal })) {
        rows.push(value);
        if (performance.now() - handedOver > BATCH_MS) handOver();
      }
      handOver();
    });
  }

  /** Hands over a column of a station, piece by piece. The numbers are transferred, not copied. */
  async column(
    station: string,
    name: string,
    onPiece: (start: number, values: Float32Array) => void,
  ): Promise<boolean> {
    this.#column.abort();
    this.#column = new AbortController();
    const { signal } = this.#column;
    return unlessReplaced(signal, async () => {
      const { archive, about } = await this.#opened;
      for (let start = 0; start < about.hours; start += PIECE) {
        const hours = slice(start, Math.min(start + PIECE, about.hours));
        const values = await archive.toTypedArray(["series", station, name, hours], "float32", { signal });
        signal.throwIfAborted();
        onPiece(start, transfer(values, [values.buffer]));
      }
    });
  }
}

/** Runs a read. Returns false if its signal has ended it. */
async function unlessReplaced(signal: AbortSignal, read: () => Promise<void>): Promise<boolean> {
  try {
    await read();
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
