import { DEFAULT_PART_SIZE, S3_LIMITS } from "./limits.js";

/** Consecutive bytes of the new object. */
export type Piece =
  /** Bytes in memory. */
  | { readonly kind: "bytes"; readonly size: number }
  /** Bytes `start` to `end` of an object of `objectSize` bytes that the server can copy. */
  | { readonly kind: "object"; readonly start: number; readonly end: number; readonly objectSize: number };

/** A byte range of a piece. `start` and `end` count from the piece's first byte. */
export interface Run {
  /** Index of the piece. */
  readonly piece: number;
  readonly start: number;
  readonly end: number;
}

/** One part of a multipart upload. */
export interface PlannedPart {
  readonly size: number;
  /** Whether the server copies the part, which then has one run. Else the runs are assembled and uploaded. */
  readonly copied: boolean;
  readonly runs: readonly Run[];
}

/** The parts of a new object. */
export interface CopyPlan {
  readonly size: number;
  /**
   * Temporary objects of at most 10,000 parts each, if the object needs more. The final object consists of them, one after the
   * other. Else empty.
   */
  readonly stages: readonly (readonly PlannedPart[])[];
  /** The parts of the final object. With stages, `piece` of a run is the index of a stage. */
  readonly parts: readonly PlannedPart[];
  /** Bytes of the object that the server copies. Copies of stages do not count. */
  readonly copied: number;
  /** Bytes of objects that are read, because they are too short to copy. */
  readonly read: number;
}

/** Options of {@link planCopy}. */
export interface CopyPlanOptions {
  /** Size of all parts but the last, as some services (R2) require. Only parts that are within one object are copied. */
  readonly equalPartSize?: number | undefined;
  /** Size of assembled parts in bytes. Default 16 MiB, more if there would be too many parts. */
  readonly assembledSize?: number | undefined;
  /** Whether the server can copy. If not, everything is read and uploaded. Default true. */
  readonly copy?: boolean | undefined;
  /** Replaces S3's limits in tests. */
  readonly limits?: CopyLimits | undefined;
}

/** The limits of a plan, in bytes and counts. */
export interface CopyLimits {
  readonly minPart: number;
  readonly maxPart: number;
  readonly parts: number;
  readonly object: number;
  /** Only ranges of objects of more bytes than this can be copied. */
  readonly minCopySource: number;
}

/** UploadPartCopy accepts ranges only of objects larger than 5 MB (Amazon S3 API reference, UploadPartCopy). */
const LIMITS: CopyLimits = { ...S3_LIMITS, minCopySource: S3_LIMITS.minPart };

/**
 * Plans the parts of an object from its pieces: which the server copies, and which are assembled and uploaded. Reads and sends
 * nothing.
 *
 * Every part but the last has at least 5 MiB. A shorter assembled part (the header, small children) is extended by the first
 * bytes of the next piece, and only those are read.
 *
 * @throws RangeError if the object would exceed S3's limits, or has too many equal parts
 */
export function planCopy(pieces: readonly Piece[], options: CopyPlanOptions = {}): CopyPlan {
  const limits = options.limits ?? LIMITS;
  const size = pieces.reduce((sum, piece) => sum + sizeOf(piece), 0);
  if (size > limits.object)
    throw new RangeError(`An S3 object has at most ${limits.object} bytes; this one has ${size}.`);
  const { equalPartSize, copy = true } = options;
  const usable = (piece: Piece): boolean =>
    copy && piece.kind === "object" && piece.objectSize > limits.minCopySource;
  const parts =
    equalPartSize === undefined
      ? freeParts(pieces, usable, assembledSize(pieces, usable, options, limits), limits)
      : equalParts(pieces, usable, size, equalPartSize, limits);
  const copied = parts.reduce((sum, part) => sum + (part.copied ? part.size : 0), 0);
  const made = pieces.reduce((sum, piece) => sum + (piece.kind === "bytes" ? piece.size : 0), 0);
  const whole = { size, copied, read: size - copied - made };
  if (parts.length <= limits.parts) return { ...whole, stages: [], parts };
  if (equalPartSize !== undefined) {
    throw new RangeError(`${parts.length} parts of ${equalPartSize} bytes: S3 allows ${limits.parts}.`);
  }
  const stages: PlannedPart[][] = [];
  for (let at = 0; at < parts.length; at += limits.parts) stages.push(parts.slice(at, at + limits.parts));
  const staged = stages.map((stage): Piece => {
    const bytes = stage.reduce((sum, part) => sum + part.size, 0);
    return { kind: "object", start: 0, end: bytes, objectSize: bytes };
  });
  const last = freeParts(staged, () => true, DEFAULT_PART_SIZE, limits);
  if (last.length > limits.parts)
    throw new RangeError(`The object would need more than ${limits.parts} parts.`);
  return { ...whole, stages, parts: last };
}

/** The number of bytes of a piece. */
export function sizeOf(piece: Piece): number {
  return piece.kind === "bytes" ? piece.size : piece.end - piece.start;
}

/** Parts of maximum size: copies of up to 5 GiB, and assembled parts between them. */
function freeParts(
  pieces: readonly Piece[],
  usable: (piece: Piece) => boolean,
  assembled: number,
  { minPart, maxPart }: CopyLimits,
): PlannedPart[] {
  const parts: PlannedPart[] = [];
  let runs: Run[] = [];
  let pending = 0;
  const flush = (): void => {
    if (pending > 0) parts.push({ size: pending, copied: false, runs });
    runs = [];
    pending = 0;
  };
  /** Adds bytes to the assembled part, and begins another when it is full. */
  const add = (piece: number, start: number, end: number): void => {
    for (let at = start; at < end; ) {
      if (pending >= assembled) flush();
      const take = Math.min(end - at, assembled - pending);
      runs.push({ piece, start: at, end: at + take });
      pending += take;
      at += take;
    }
  };
  for (const [index, piece] of pieces.entries()) {
    const size = sizeOf(piece);
    const edge = pending === 0 ? 0 : Math.max(0, minPart - pending);
    const rest = size - edge;
    if (!usable(piece) || rest < minPart) {
      add(index, 0, size);
      continue;
    }
    add(index, 0, edge);
    flush();
    const count = Math.ceil(rest / maxPart);
    for (let i = 0; i < count; i++) {
      const start = edge + Math.floor((rest * i) / count);
      const end = edge + Math.floor((rest * (i + 1)) / count);
      parts.push({ size: end - start, copied: true, runs: [{ piece: index, start, end }] });
    }
  }
  flush();
  return parts;
}

/** Parts of one size. The last may be shorter. */
function equalParts(
  pieces: readonly Piece[],
  usable: (piece: Piece) => boolean,
  size: number,
  partSize: number,
  { minPart, maxPart, parts: maxParts }: CopyLimits,
): PlannedPart[] {
  if (!Number.isSafeInteger(partSize) || partSize < minPart || partSize > maxPart) {
    throw new RangeError(`Equal parts have ${minPart} to ${maxPart} bytes.`);
  }
  if (Math.ceil(size / partSize) > maxParts) {
    throw new RangeError(`${Math.ceil(size / partSize)} parts of ${partSize} bytes: S3 allows ${maxParts}.`);
  }
  const parts: PlannedPart[] = [];
  let piece = 0;
  let within = 0;
  for (let at = 0; at < size; at += partSize) {
    const runs: Run[] = [];
    for (let left = Math.min(partSize, size - at); left > 0; ) {
      const take = Math.min(left, sizeOf(pieces[piece]!) - within);
      if (take > 0) runs.push({ piece, start: within, end: within + take });
      left -= take;
      within += take;
      if (within === sizeOf(pieces[piece]!)) {
        piece++;
        within = 0;
      }
    }
    const bytes = Math.min(partSize, size - at);
    parts.push({ size: bytes, copied: runs.length === 1 && usable(pieces[runs[0]!.piece]!), runs });
  }
  return parts;
}

/** The size of assembled parts that keeps their number within the limit. */
function assembledSize(
  pieces: readonly Piece[],
  usable: (piece: Piece) => boolean,
  { assembledSize: given }: CopyPlanOptions,
  { minPart, maxPart, parts }: CopyLimits,
): number {
  const wanted = given ?? Math.min(DEFAULT_PART_SIZE, maxPart);
  if (!Number.isSafeInteger(wanted) || wanted < minPart || wanted > maxPart) {
    throw new RangeError(`Assembled parts have ${minPart} to ${maxPart} bytes.`);
  }
  const bytes = pieces.reduce((sum, piece) => sum + (usable(piece) ? 0 : sizeOf(piece)), 0);
  // Assembled parts may use half of the part numbers. The other half is for copies.
  return Math.min(maxPart, Math.max(wanted, Math.ceil(bytes / (parts / 2))));
}
