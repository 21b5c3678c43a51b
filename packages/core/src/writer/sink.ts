import { PeekpackError } from "../errors.js";

/** What a finished write has made. */
export interface WriteResult {
  /** Size of the whole archive in bytes, header included. */
  readonly size: number;
  /** ETag of the written object, with its quotes, or what identifies its content on another medium. Undefined if there is none. */
  readonly version?: string | undefined;
  /** S3 version id of the written object. Undefined if the bucket has no versions. */
  readonly versionId?: string | undefined;
  /** Where the archive now is, fit for messages: no credential, no query string. */
  readonly location?: string | undefined;
}

/**
 * The one interface of every writer. An archive's header is known last, so that a sink gets everything after the
 * header in order, and the header at the end; no sink needs random seek.
 *
 * After `finish` has resolved the archive is there, whole. After `abort`, or after any call has rejected, nothing is left
 * behind and what was there before is as it was.
 */
export interface ArchiveSink {
  /** Where the archive will be, as the label of a source of it reads; absent where nothing else could read it. */
  readonly label?: string | undefined;
  /**
   * Whether a chunk is the writer's again as soon as `write` has resolved, because the sink has copied it. Spares a stream
   * the garbage of a buffer for each chunk.
   */
  readonly copies?: boolean | undefined;
  /**
   * Takes the next bytes after the header. The sink owns `chunk` from the call on: the caller never changes it again,
   * unless the sink `copies`.
   * Resolves when the sink wants more (backpressure).
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Takes the header, which goes in front of everything written, and makes the archive appear. */
  finish(header: Uint8Array): Promise<WriteResult>;
  /** Gives up. Idempotent; never rejects for what was already cleaned up. */
  abort(reason?: unknown): Promise<void>;
}

/** A sink that keeps the archive in memory. */
export interface MemorySink extends ArchiveSink {
  /** The finished archive, one contiguous array. @throws PeekpackError `unfinished` before `finish` has resolved. */
  bytes(): Uint8Array;
}

/** Makes a sink that keeps the archive in memory. */
export function memorySink(): MemorySink {
  let chunks: Uint8Array[] | undefined = [];
  let size = 0;
  let done: Uint8Array | undefined;
  const open = (): Uint8Array[] => {
    if (chunks === undefined) throw new PeekpackError("closed", "This sink is closed.", { section: "sink" });
    return chunks;
  };
  return {
    async write(chunk) {
      open().push(chunk);
      size += chunk.length;
    },
    async finish(header) {
      const parts = open();
      chunks = undefined;
      const whole = new Uint8Array(header.length + size);
      whole.set(header);
      let at = header.length;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      done = whole;
      return { size: whole.length };
    },
    async abort() {
      chunks = undefined;
    },
    bytes() {
      if (done === undefined) {
        throw new PeekpackError("unfinished", "The archive is not finished yet.", { section: "sink" });
      }
      return done;
    },
  };
}
