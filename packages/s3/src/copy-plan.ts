import { DEFAULT_PART_SIZE, S3_LIMITS } from "./limits.js";

/** A run of bytes of the object to be made, in order. */
export type Piece =
  /** Bytes that are made or held here. */
  | { readonly kind: "bytes"; readonly size: number }
  /** Bytes `start` to `end` of an object of `objectSize` bytes that lies where the server can copy it from. */
  | { readonly kind: "object"; readonly start: number; readonly end: number; readonly objectSize: number };

/** Some bytes of a piece: `start` and `end` count from the piece's first byte. */
export interface Run {
  /** Index of the piece. */
  readonly piece: number;
  readonly start: number;
  readonly end: number;
}

/** One part of a multipart upload. */
export interface PlannedPart {
  readonly size: number;
  /** One run of an object that the server copies, or runs that are put together here and uploaded. */
  readonly copied: boolean;
  readonly runs: readonly Run[];
}

/** How an object is made. */
export interface CopyPlan {
  readonly size: number;
  /**
   * Objects to be made first, each of at most 10,000 parts, where the whole has more. Then the final object is made of
   * them, one after the other.
   */
  readonly stages: readonly (readonly PlannedPart[])[];
  /** The parts of the final object. With stages, the pieces that the runs name are the stages. */
  readonly parts: readonly PlannedPart[];
  /** Bytes that the server copies for the final object's content; stages are not counted twice. */
  readonly copied: number;
  /** Bytes of objects that are read here, because they are shorter than a part or its edge. */
  readonly read: number;
}

/** How a plan is made. */
export interface CopyPlanOptions {
  /**
   * Makes all parts but the last of this size, as some services (R2) demand. Then only parts that lie within one object are
   * copied.
   */
  readonly equalPartSize?: number | undefined;
  /** Size of parts that are put together here, in bytes. Default 16 MiB, more where there would be too many. */
  readonly assembledSize?: number | undefined;
  /** False where the server cannot copy: everything is read and uploaded. Default true. */
  readonly copy?: boolean | undefined;
  /** S3's limits, for tests. */
  readonly limits?: CopyLimits | undefined;
}

/** What bounds a plan, in bytes and counts. */
export interface CopyLimits {
  readonly minPart: number;
  readonly maxPart: number;
  readonly parts: number;
  readonly object: number;
  /** Ranges are copied only from objects of more bytes than this. */
  readonly minCopySource: number;
}

/** UploadPartCopy takes ranges only of objects larger than 5 MB (Amazon S3 API reference, UploadPartCopy). */
const LIMITS: CopyLimits = { ...S3_LIMITS, minCopySource: S3_LIMITS.minPart };

/**
 * Plans how an object is made of pieces, most of which lie on the server already: which parts the server copies, and which are
 * put together here. Pure: nothing is read or sent.
 *
 * A part must have 5 MiB unless it is the last. What stands before a piece that can be copied (the header, small children)
 * is filled up to that with the piece's first bytes, and only those are read.
 *
 * @throws RangeError when the object would be larger than S3 allows, or when its equal parts would be too many
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

/** Parts as large as they may be: copies of up to 5 GiB, and what is put together in between. */
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
  /** Adds bytes to what is put together. A full part is cut off while enough for another is left. */
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

/** Parts of one size, the last one shorter. */
function equalParts(
  pieces: readonly Piece[],
  usable: (piece: Piece) => boolean,
  size: number,
  partSize: number,
  { minPart, maxPart, parts: most }: CopyLimits,
): PlannedPart[] {
  if (!Number.isSafeInteger(partSize) || partSize < minPart || partSize > maxPart) {
    throw new RangeError(`Equal parts have ${minPart} to ${maxPart} bytes.`);
  }
  if (Math.ceil(size / partSize) > most) {
    throw new RangeError(`${Math.ceil(size / partSize)} parts of ${partSize} bytes: S3 allows ${most}.`);
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

/** How large assembled parts must be so that there are not too many of them. */
function assembledSize(
  pieces: readonly Piece[],
  usable: (piece: Piece) => boolean,
  { assembledSize: wanted = DEFAULT_PART_SIZE }: CopyPlanOptions,
  { minPart, maxPart, parts }: CopyLimits,
): number {
  if (!Number.isSafeInteger(wanted) || wanted < minPart || wanted > maxPart) {
    throw new RangeError(`Assembled parts have ${minPart} to ${maxPart} bytes.`);
  }
  const bytes = pieces.reduce((sum, piece) => sum + (usable(piece) ? 0 : sizeOf(piece)), 0);
  // Half of the parts for them, so that the copies have the other half.
  return Math.min(maxPart, Math.max(wanted, Math.ceil(bytes / (parts / 2))));
}
