import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { ByteRange, CachedObject, CachedPiece } from "@peekpack/core";
import type { CacheBounds, PieceStore } from "@peekpack/s3/internal";
import { isErrno } from "./file-error.js";

/** A cached piece, described by the name of its file: `start-length-crc32`. */
interface Piece {
  readonly start: number;
  readonly length: number;
  readonly crc32: number;
  readonly name: string;
}

/** The pieces of one version of an object, ascending by offset, as they were listed last. */
interface Listing {
  pieces: Piece[];
  /** Modification time of the directory when it was listed. */
  mtimeMs: number;
  listedAt: number;
}

// The time of use is recorded at most this often: otherwise every read would be a write.
const USED_STEP_MS = 60_000;
// Eviction frees more than it must, so that the next piece does not evict again.
const LOW_WATER = 0.9;
// Pieces of other processes may be unknown for this long. Listing takes longer the more pieces there are.
const LIST_MS = 1000;

const PIECE = /^(\d+)-(\d+)-([0-9a-f]{8})$/;
const OBJECT = "object.json";

/**
 * Stores pieces of objects as files, in a directory for each label and version. The name of a file has the offset, the length and
 * the CRC32 of its bytes, so that damage is detected. Files are created by a rename, so that any number of processes may write.
 */
export class RangeFiles implements PieceStore {
  readonly #directory: string;
  readonly #bounds: CacheBounds;
  readonly #listings = new Map<string, Listing>();
  /** Bytes of all pieces: as counted last, plus the writes since. Undefined before the first count. */
  #total: number | undefined;

  constructor(directory: string, bounds: CacheBounds) {
    this.#directory = directory;
    this.#bounds = bounds;
  }

  async latest(label: string): Promise<CachedObject | undefined> {
    const file = join(this.#directoryOf(label), OBJECT);
    let found: Partial<CachedObject> | null;
    try {
      found = JSON.parse(await readFile(file, "utf8")) as Partial<CachedObject> | null;
    } catch (error) {
      if (error instanceof SyntaxError || isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
    const { version, size } = found ?? {};
    if (found?.label !== label || typeof version !== "string" || !Number.isSafeInteger(size))
      return undefined;
    return { label, version, size: size! };
  }

  async see({ label, version, size }: CachedObject): Promise<void> {
    await this.#createFile(this.#directoryOf(label), OBJECT, JSON.stringify({ label, version, size }));
  }

  /** The valid pieces of a range. Removes damaged and expired ones. */
  async read(object: CachedObject, { start, end }: ByteRange): Promise<CachedPiece[]> {
    const directory = this.#directoryOf(object.label, object.version);
    const { pieces } = await this.#list(directory);
    const wanted = pieces.filter((piece) => piece.start < end && piece.start + piece.length > start);
    const found = await Promise.all(wanted.map((piece) => this.#load(directory, piece)));
    return found.flatMap((bytes, i) => (bytes === undefined ? [] : [{ start: wanted[i]!.start, bytes }]));
  }

  /** Stores one piece. Evicts others if the cache is full. */
  async write(object: CachedObject, start: number, bytes: Uint8Array): Promise<void> {
    const { maxBytes } = this.#bounds;
    if (bytes.length > maxBytes) return;
    const directory = this.#directoryOf(object.label, object.version);
    const { pieces } = await this.#list(directory);
    // Another reader may have stored more bytes from this offset.
    if (pieces.some((piece) => piece.start === start && piece.length >= bytes.length)) return;
    this.#total ??= await this.#evict(maxBytes);
    if (this.#total + bytes.length > maxBytes) {
      this.#total = await this.#evict(maxBytes * LOW_WATER - bytes.length);
    }
    const sum = crc32(bytes);
    const name = `${start}-${bytes.length}-${sum.toString(16).padStart(8, "0")}`;
    await this.#createFile(directory, name, bytes);
    this.#total += bytes.length;
    // Of pieces at the same offset, only the longest is kept.
    const listing = await this.#list(directory, true);
    const same = listing.pieces.filter((piece) => piece.start === start);
    const longest = Math.max(...same.map(({ length }) => length));
    for (const piece of same) if (piece.length < longest) await this.#remove(directory, piece);
  }

  /** Bytes of all pieces. */
  async size(): Promise<number> {
    let bytes = 0;
    for (const { size } of await this.#allFiles()) bytes += size;
    return bytes;
  }

  async clear(label?: string): Promise<void> {
    this.#listings.clear();
    this.#total = undefined;
    await rm(label === undefined ? this.#directory : this.#directoryOf(label), {
      recursive: true,
      force: true,
    });
  }

  /** Whether a test write succeeds. */
  async probe(): Promise<boolean> {
    const name = `probe-${randomBytes(6).toString("hex")}`;
    await this.#createFile(this.#directory, name, name);
    const file = join(this.#directory, name);
    const text = await readFile(file, "utf8");
    await rm(file, { force: true });
    return text === name;
  }

  #directoryOf(label: string, version?: string): string {
    const object = join(this.#directory, digest(label));
    return version === undefined ? object : join(object, digest(version));
  }

  /** Creates a file whole or not at all. */
  async #createFile(directory: string, name: string, content: string | Uint8Array): Promise<void> {
    const temporary = join(directory, `.${randomBytes(6).toString("hex")}`);
    const write = (): Promise<void> => writeFile(temporary, content, { flag: "wx", mode: 0o600 });
    try {
      await write().catch(async (error: unknown) => {
        if (!isErrno(error, "ENOENT")) throw error;
        await mkdir(directory, { recursive: true, mode: 0o700 });
        await write();
      });
      await rename(temporary, join(directory, name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async #list(directory: string, fresh = false): Promise<Listing> {
    const known = this.#listings.get(directory);
    const at = Date.now();
    if (known !== undefined && !fresh && at - known.listedAt < LIST_MS) return known;
    const mtimeMs = await modifiedAt(directory);
    if (known !== undefined && known.mtimeMs === mtimeMs) {
      known.listedAt = at;
      return known;
    }
    const pieces = (await namesIn(directory)).flatMap((name) => {
      const [, start, length, sum] = PIECE.exec(name) ?? [];
      return sum === undefined
        ? []
        : [{ start: Number(start), length: Number(length), crc32: Number.parseInt(sum, 16), name }];
    });
    pieces.sort((a, b) => a.start - b.start || a.length - b.length);
    const listing = { pieces, mtimeMs, listedAt: at };
    this.#listings.set(directory, listing);
    return listing;
  }

  async #load(directory: string, piece: Piece): Promise<Uint8Array | undefined> {
    const file = join(directory, piece.name);
    let used: number;
    let content: Buffer;
    try {
      used = (await stat(file)).mtimeMs;
      content = await readFile(file);
    } catch {
      // Another process evicted it.
      this.#forget(directory, piece);
      return undefined;
    }
    const now = Date.now();
    if (
      now - used > this.#bounds.maxAgeMs ||
      content.length !== piece.length ||
      crc32(content) !== piece.crc32
    ) {
      await this.#remove(directory, piece);
      return undefined;
    }
    if (now - used > USED_STEP_MS) await utimes(file, now / 1000, now / 1000).catch(() => {});
    return new Uint8Array(content.buffer, content.byteOffset, content.length);
  }

  #forget(directory: string, piece: Piece): void {
    const listing = this.#listings.get(directory);
    if (listing !== undefined) listing.pieces = listing.pieces.filter(({ name }) => name !== piece.name);
  }

  async #remove(directory: string, piece: Piece): Promise<void> {
    this.#forget(directory, piece);
    await rm(join(directory, piece.name), { force: true });
    if (this.#total !== undefined) this.#total = Math.max(0, this.#total - piece.length);
  }

  /** All files, with size and time of last use. */
  async #allFiles(): Promise<{ directory: string; name: string; size: number; used: number }[]> {
    const all: { directory: string; name: string; size: number; used: number }[] = [];
    for (const label of await namesIn(this.#directory)) {
      for (const version of await namesIn(join(this.#directory, label))) {
        const directory = join(this.#directory, label, version);
        for (const name of await namesIn(directory)) {
          const found = await stat(join(directory, name)).catch(() => undefined);
          if (found !== undefined) all.push({ directory, name, size: found.size, used: found.mtimeMs });
        }
      }
    }
    return all;
  }

  /**
   * Evicts expired pieces, then the least recently used ones until at most `maxBytes` are left. Also removes old temporary files
   * of killed processes. Returns the number of bytes left.
   */
  async #evict(maxBytes: number): Promise<number> {
    const all = (await this.#allFiles()).sort((a, b) => a.used - b.used);
    const expired = Date.now() - this.#bounds.maxAgeMs;
    let total = all.reduce((sum, { size }) => sum + size, 0);
    for (const { directory, name, size, used } of all) {
      if (used >= expired && total <= maxBytes) break;
      await rm(join(directory, name), { force: true });
      this.#listings.delete(directory);
      total -= size;
      // Fails if other pieces are left.
      await rmdir(directory).catch(() => {});
    }
    for (const label of await namesIn(this.#directory)) {
      const object = join(this.#directory, label);
      const names = await namesIn(object);
      if (names.length > 1 || names[0] !== OBJECT) continue;
      if ((await modifiedAt(join(object, OBJECT))) < expired)
        await rm(object, { recursive: true, force: true });
    }
    return total;
  }
}

/** Name of the directory of a label or version, which may contain any character. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** The names in a directory; none if it does not exist. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** Modification time of a file or directory in milliseconds; 0 if it does not exist. */
async function modifiedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return 0;
    throw error;
  }
}
