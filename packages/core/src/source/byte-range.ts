/** A half-open range of bytes: `start` is included, `end` is not. Both count from the object's first byte. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}
