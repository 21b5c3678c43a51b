import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, lstat, mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { PeekpackError } from "@peekpack/core";
import { isErrno } from "./file-error.js";
import { fateOf, ownIdentity, type ProcessIdentity } from "./process-identity.js";

/**
 * Where spools lie unless told otherwise: a directory of this user's below the system's temporary one. That may not
 * survive a restart of the machine; name a directory of your own where spools must.
 */
export function defaultSpoolDirectory(): string {
  return join(tmpdir(), `peekpack-spool-${userInfo().username.replace(/[^\w.-]/g, "_")}`);
}

// Making a spool takes milliseconds: one that nobody owns for so long was left by a process that was killed meanwhile.
const OWNERLESS_MS = 600_000;

/** One spool on the disk: a directory with the body, the journal and whoever owns it. */
export class SpoolPlace {
  /** The spool's own directory. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** The directory of spools that it lies in. */
  get directory(): string {
    return dirname(this.path);
  }

  get body(): string {
    return join(this.path, "body");
  }

  get journal(): string {
    return join(this.path, "journal");
  }

  /** Makes a new spool, owned by this process. */
  static async create(directory: string): Promise<SpoolPlace> {
    directory = resolve(directory);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (directory === defaultSpoolDirectory()) await checkPrivate(directory);
    const place = new SpoolPlace(
      join(directory, `${Date.now().toString(36)}-${randomBytes(6).toString("hex")}`),
    );
    await mkdir(place.path, { mode: 0o700 });
    await place.#own(1, await ownIdentity());
    return place;
  }

  /** The spools below a directory, which need not be there. */
  static async list(directory: string): Promise<SpoolPlace[]> {
    directory = resolve(directory);
    const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
      if (isErrno(error, "ENOENT")) return [];
      throw error;
    });
    return entries
      .filter((entry) => entry.isDirectory() && /^[0-9a-z]+-[0-9a-f]{12}$/.test(entry.name))
      .map((entry) => new SpoolPlace(join(directory, entry.name)))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  static at(path: string): SpoolPlace {
    return new SpoolPlace(path);
  }

  /** What became of the process that owns the spool; `released` when it has let go. */
  async owner(): Promise<"running" | "ended" | "unknown" | "released"> {
    return (await this.#latest()).fate;
  }

  /** Whether the machine was restarted since the spool was made. */
  async isOfEarlierBoot(): Promise<boolean> {
    const first = await this.#identity(1);
    return first != null && first.boot !== (await ownIdentity()).boot;
  }

  /**
   * Makes this process the owner.
   * @throws PeekpackError `conflict` when another process works on the spool or has just taken it
   */
  async claim(): Promise<void> {
    const { number, fate } = await this.#latest();
    const busy = (): PeekpackError =>
      new PeekpackError("conflict", `Another process works on the spool ${this.path}.`, { section: "spool" });
    if (fate === "running") throw busy();
    try {
      // Owners are numbered, and each number is given once: of two that find the same dead owner, one wins.
      await this.#own(number + 1, await ownIdentity());
    } catch (error) {
      throw isErrno(error, "EEXIST", "ENOENT") ? busy() : error;
    }
  }

  /** Lets go, so that another process, or this one later, may claim it. */
  async release(): Promise<void> {
    await this.#own((await this.#latest()).number + 1, null);
  }

  /** Bytes of the body's file; undefined where it is not there. */
  async bodySize(): Promise<number | undefined> {
    try {
      return (await stat(this.body)).size;
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  async remove(): Promise<void> {
    // The body first: should this be cut short, what is left is small, and still known as a spool and whose.
    await rm(this.body, { force: true });
    await rm(this.journal, { force: true });
    await rm(this.path, { recursive: true, force: true });
  }

  async #latest(): Promise<{ number: number; fate: "running" | "ended" | "unknown" | "released" }> {
    const names = await readdir(this.path).catch((error: unknown) => {
      if (isErrno(error, "ENOENT")) return [];
      throw error;
    });
    const number = Math.max(0, ...names.map((name) => Number(/^owner\.(\d+)$/.exec(name)?.[1] ?? 0)));
    if (number === 0) return { number, fate: (await this.#isOld()) ? "ended" : "unknown" };
    const identity = await this.#identity(number);
    if (identity === undefined) return { number, fate: "unknown" };
    return { number, fate: identity === null ? "released" : await fateOf(identity) };
  }

  async #isOld(): Promise<boolean> {
    try {
      return Date.now() - (await stat(this.path)).mtimeMs > OWNERLESS_MS;
    } catch (error) {
      if (isErrno(error, "ENOENT")) return false;
      throw error;
    }
  }

  async #identity(number: number): Promise<ProcessIdentity | null | undefined> {
    try {
      return JSON.parse(await readFile(join(this.path, `owner.${number}`), "utf8")) as ProcessIdentity | null;
    } catch {
      return undefined;
    }
  }

  async #own(number: number, identity: ProcessIdentity | null): Promise<void> {
    const text = JSON.stringify(identity);
    const file = join(this.path, `owner.${number}`);
    const whole = join(this.path, `.${randomBytes(6).toString("hex")}`);
    try {
      // Written apart and linked: nobody ever sees half of it.
      await writeFile(whole, text, { flag: "wx", mode: 0o600 });
      await link(whole, file);
    } catch (error) {
      if (!isErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")) throw error;
      const handle = await open(file, "wx", 0o600);
      await handle.writeFile(text);
      await handle.close();
    } finally {
      await rm(whole, { force: true });
    }
  }
}

/** @throws PeekpackError `denied` when the directory, below one that all may write to, is not this user's alone */
async function checkPrivate(directory: string): Promise<void> {
  if (process.getuid === undefined) return;
  const { uid, mode } = await lstat(directory);
  const isDirectory = (mode & constants.S_IFMT) === constants.S_IFDIR;
  if (!isDirectory || uid !== process.getuid() || (mode & 0o022) !== 0) {
    throw new PeekpackError("denied", `${directory} can be written by others: no spool is put there.`, {
      section: "spool",
    });
  }
}
