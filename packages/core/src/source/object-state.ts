import type { ByteRange } from "./byte-range.js";
import type { RangeTransport } from "./range-transport.js";

/** A closed range, or a number of last bytes. */
export type RequestedRange = ByteRange | { readonly suffix: number };

/** Bytes of the object that a valid response contained. */
export interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Whether these are all bytes of the object. */
  readonly whole?: boolean | undefined;
}

/** One object: how it is read, and the state that every response must match. */
export interface ObjectState {
  readonly label: string;
  readonly transport: RangeTransport;
  readonly ifMatch: boolean;
  readonly browser: boolean;
  readonly wholeBytes: number;
  readonly stallMs: number;
  /** Size in bytes, once known. */
  size: number | undefined;
  /** ETag as the server spells it, or version id. */
  version: string | undefined;
  /** Value for `If-Match`, once the version is known to be an ETag. */
  condition?: string;
  /** `Last-Modified`, compared if there is no version. */
  modified?: string | null;
}
