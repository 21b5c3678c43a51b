import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { ByteRange, CachedObject, CachedPiece } from "@peekpack/core";
import { isErrno } from "./file-error.js";

/** What bounds a cache. */
export interface CacheBounds {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** A piece, as its file's name tells it: `start-length-crc32`. */
interface Piece {
  readonly start: number;
  readonly length: number;
  readonly crc32: number;
  readonly name: string;
}

/** The pieces of one state of an object, ascending by their start, as they were seen last. */
interface Listing {
  pieces: Piece[];
  /** Of the directory, when it was listed. */
  mtimeMs: number;
  listedAt: number;
}

// A use is noted at most so often: noting each would make every read a write.
const USED_STEP_MS = 60_000;
// Evicting goes a little further than it must, so that it need not begin again with the next piece.
const LOW_WATER = 0.9;
// Others' pieces may go unseen for so long: listing at every change would take longer the more there is.
const LIST_MS = 1000;

const PIECE = /^(\d+)-(\d+)-([0-9a-f]{8})$/;
const OBJECT = "object.json";

/**
 * Pieces of objects as files, one each: below the cache's directory one for each label, in that one for each version. Names
 * tell what bytes they are and their CRC32, so that a file that was torn or harmed is known; files appear whole, by being
 * renamed, so that any number of processes may write.
 */
export class RangeFiles {
  readonly #directory: string;
  readonly #bounds: CacheBounds;
  readonly #listings = new Map<string, Listing>();
  /** Bytes in all, as the last look at everything has told, and what was written since. Undefined before the first. */
  #total: number | undefined;

  constructor(directory: string, bounds: CacheBounds) {
    this.#directory = directory;
    this.#bounds = bounds;
  }

  async latest(label: string): Promise<CachedObject | undefined> {
    const file = join(this.#placeOf(label), OBJECT);
    const found = JSON.parse(await readFile(file, "utf8")) as CachedObject;
    const { version, size } = found;
    const sound = found.label === label && typeof version === "string" && Number.isSafeInteger(size);
    return sound ? { label, version, size } : undefined;
  }

  async see({ label, version, size }: CachedObject): Promise<void> {
    await this.#appear(this.#placeOf(label), OBJECT, JSON.stringify({ label, version, size }));
  }

  /** What there is of a range, checked. What is harmed or too old is removed. */
  async read(object: CachedObject, { start, end }: ByteRange): Promise<CachedPiece[]> {
    const place = this.#placeOf(object.label, object.version);
    const { pieces } = await this.#list(place);
    const wanted = pieces.filter((piece) => piece.start < end && piece.start + piece.length > start);
    const found = await Promise.all(wanted.map((piece) => this.#load(place, piece)));
    return found.flatMap((bytes, i) => (bytes === undefined ? [] : [{ start: wanted[i]!.start, bytes }]));
  }

  /** Keeps one piece, and lets go of others where that makes too many. */
  async write(object: CachedObject, start: number, bytes: Uint8Array): Promise<void> {
    const { maxBytes } = this.#bounds;
    if (bytes.length > maxBytes) return;
    const place = this.#placeOf(object.label, object.version);
    const { pieces } = await this.#list(place);
    // Somebody may have read more from the same place.
    if (pieces.some((piece) => piece.start === start && piece.length >= bytes.length)) return;
    this.#total ??= await this.#sweep(maxBytes);
    if (this.#total + bytes.length > maxBytes) {
      this.#total = await this.#sweep(maxBytes * LOW_WATER - bytes.length);
    }
    const sum = crc32(bytes);
    const name = `${start}-${bytes.length}-${sum.toString(16).padStart(8, "0")}`;
    await this.#appear(place, name, bytes);
    this.#total += bytes.length;
    // Of pieces from the same place the longest stays, whoever wrote it.
    const listing = await this.#list(place, true);
    const same = listing.pieces.filter((piece) => piece.start === start);
    const longest = Math.max(...same.map(({ length }) => length));
    for (const piece of same) if (piece.length < longest) await this.#remove(place, piece);
  }

  /** Bytes of all pieces. */
  async size(): Promise<number> {
    let bytes = 0;
    for (const { size } of await this.#everything()) bytes += size;
    return bytes;
  }

  async clear(label?: string): Promise<void> {
    this.#listings.clear();
    this.#total = undefined;
    await rm(label === undefined ? this.#directory : this.#placeOf(label), { recursive: true, force: true });
  }

  /** Whether what is written can be read. */
  async probe(): Promise<boolean> {
    const name = `probe-${randomBytes(6).toString("hex")}`;
    await this.#appear(this.#directory, name, name);
    const file = join(this.#directory, name);
    const text = await readFile(file, "utf8");
    await rm(file, { force: true });
    return text === name;
  }

  #placeOf(label: string, version?: string): string {
    const object = join(this.#directory, digest(label));
    return version === undefined ? object : join(object, digest(version));
  }

  /** Puts a file into a directory: whole, or not at all. */
  async #appear(directory: string, name: string, content: string | Uint8Array): Promise<void> {
    const unfinished = join(directory, `.${randomBytes(6).toString("hex")}`);
    const write = (): Promise<void> => writeFile(unfinished, content, { flag: "wx", mode: 0o600 });
    try {
      await write().catch(async (error: unknown) => {
        if (!isErrno(error, "ENOENT")) throw error;
        await mkdir(directory, { recursive: true, mode: 0o700 });
        await write();
      });
      await rename(unfinished, join(directory, name));
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  async #list(place: string, now = false): Promise<Listing> {
    const known = this.#listings.get(place);
    const at = Date.now();
    if (known !== undefined && !now && at - known.listedAt < LIST_MS) return known;
    const mtimeMs = await changedAt(place);
    if (known !== undefined && known.mtimeMs === mtimeMs) {
      known.listedAt = at;
      return known;
    }
    const pieces = (await namesIn(place)).flatMap((name) => {
      const [, start, length, sum] = PIECE.exec(name) ?? [];
      return sum === undefined
        ? []
        : [{ start: Number(start), length: Number(length), crc32: Number.parseInt(sum, 16), name }];
    });
    pieces.sort((a, b) => a.start - b.start || a.length - b.length);
    const listing = { pieces, mtimeMs, listedAt: at };
    this.#listings.set(place, listing);
    return listing;
  }

  async #load(place: string, piece: Piece): Promise<Uint8Array | undefined> {
    const file = join(place, piece.name);
    let used: number;
    let content: Buffer;
    try {
      used = (await stat(file)).mtimeMs;
      content = await readFile(file);
    } catch {
      // Evicted meanwhile.
      this.#forget(place, piece);
      return undefined;
    }
    const now = Date.now();
    if (
      now - used > this.#bounds.maxAgeMs ||
      content.length !== piece.length ||
      crc32(content) !== piece.crc32
    ) {
      await this.#remove(place, piece);
      return undefined;
    }
    if (now - used > USED_STEP_MS) await utimes(file, now / 1000, now / 1000).catch(() => {});
    return new Uint8Array(content.buffer, content.byteOffset, content.length);
  }

  #forget(place: string, piece: Piece): void {
    const listing = this.#listings.get(place);
    if (listing !== undefined) listing.pieces = listing.pieces.filter(({ name }) => name !== piece.name);
  }

  async #remove(place: string, piece: Piece): Promise<void> {
    this.#forget(place, piece);
    await rm(join(place, piece.name), { force: true });
    if (this.#total !== undefined) this.#total = Math.max(0, this.#total - piece.length);
  }

  /** All pieces there are: where they are, how long, and when they were used last. */
  async #everything(): Promise<{ place: string; name: string; size: number; used: number }[]> {
    const all: { place: string; name: string; size: number; used: number }[] = [];
    for (const label of await namesIn(this.#directory)) {
      for (const version of await namesIn(join(this.#directory, label))) {
        const place = join(this.#directory, label, version);
        for (const name of await namesIn(place)) {
          const found = await stat(join(place, name)).catch(() => undefined);
          if (found !== undefined) all.push({ place, name, size: found.size, used: found.mtimeMs });
        }
      }
    }
    return all;
  }

  /**
   * Lets go of what is too old, and of what was not used for longest until the rest takes no more than `room`. What a killed
   * process left half written goes with its age. How much is left.
   */
  async #sweep(room: number): Promise<number> {
    const all = (await this.#everything()).sort((a, b) => a.used - b.used);
    const tooOld = Date.now() - this.#bounds.maxAgeMs;
    let total = all.reduce((sum, { size }) => sum + size, 0);
    for (const { place, name, size, used } of all) {
      if (used >= tooOld && total <= room) break;
      await rm(join(place, name), { force: true });
      this.#listings.delete(place);
      total -= size;
      // What is not empty stays.
      await rmdir(place).catch(() => {});
    }
    for (const label of await namesIn(this.#directory)) {
      const object = join(this.#directory, label);
      const names = await namesIn(object);
      if (names.length > 1 || names[0] !== OBJECT) continue;
      if ((await changedAt(join(object, OBJECT))) < tooOld)
        await rm(object, { recursive: true, force: true });
    }
    return total;
  }
}

/** A name for a directory: labels and versions have characters that no file system takes. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** The names in a directory; none where there is no such directory. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** When a file or directory was last changed; 0 where there is none. */
async function changedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return 0;
    throw error;
  }
}
