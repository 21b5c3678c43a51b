import { PeekpackError } from "../errors.js";
import type { TableSpill } from "./table-spill.js";

/** The result of a finished write. */
export interface WriteResult {
  /** Size of the whole archive in bytes, header included. */
  readonly size: number;
  /** ETag of the written object with its quotes, or what identifies its content on another medium. Undefined if there is none. */
  readonly version?: string | undefined;
  /** S3 version id of the written object. Undefined if the bucket has no versions. */
  readonly versionId?: string | undefined;
  /** Where the archive is, for messages: without credentials and query string. */
  readonly location?: string | undefined;
}

/**
 * Where an archive is written to. A sink gets everything after the header in order, and the header last, when its content is
 * known; so it needs no random access.
 *
 * After `finish` has resolved the archive is complete. After `abort`, or after a call has rejected, nothing of the write is
 * left, and what was there before is unchanged.
 */
export interface ArchiveSink {
  /** The label that a source of the archive will have. Absent if nothing else could read it. */
  readonly label?: string | undefined;
  /** Whether the sink copies a chunk before `write` resolves, so that the writer may reuse its buffer. */
  readonly copies?: boolean | undefined;
  /**
   * Takes the next bytes after the header. Unless the sink `copies`, it owns `chunk` from the call on: the caller never changes
   * it again. Resolves when the sink wants more (backpressure).
   */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Opens storage for a table of contents that outgrows the writer's memory. Without it the table stays in memory. The
   * writer closes it before it finishes or aborts the sink.
   */
  spill?(): Promise<TableSpill>;
  /** Takes the header, which goes before everything written, and makes the archive appear. */
  finish(header: Uint8Array): Promise<WriteResult>;
  /** Drops everything that was written. Idempotent. */
  abort(reason?: unknown): Promise<void>;
}

/** A sink in memory. */
export interface MemorySink extends ArchiveSink {
  /** The finished archive as one array. @throws PeekpackError `unfinished` before `finish` has resolved */
  bytes(): Uint8Array;
}

/** Makes a sink in memory. */
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
