import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { PeekpackError } from "@peekpack/core";
import { isErrno } from "./file-error.js";
import { decodeOwner, encodeOwner } from "./owner-file.js";
import { checkDirectory, privateDirectoryProblem, readPrivateText } from "./private-files.js";
import { ownIdentity, type ProcessIdentity, processStatus } from "./process-identity.js";

// Creating a spool takes milliseconds. One without an owner for this long was left by a process that was killed meanwhile.
const OWNERLESS_MS = 600_000;

const FOLDER = /^[0-9a-z]+-[0-9a-f]{12}$/;
const OWNER = /^owner\.(\d+)$/;
/** Owner file that is not yet linked to its name. */
const NEW_OWNER = /^\.[0-9a-f]{12}$/;
/** Other files of a spool. A table of contents is temporary: a process that was killed may have left it. */
const FILES: readonly string[] = ["body", "journal", "table"];

/** Status of the process that owns a spool; `released` if it has released the spool. */
export type OwnerStatus = "running" | "ended" | "unknown" | "released";

/** The folder of a spool, with the body, the journal and the identities of its owners. */
export class SpoolFolder {
  /** The spool's own folder. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Unique within its directory. */
  get id(): string {
    return basename(this.path);
  }

  /** The directory of spools that contains this one. */
  get directory(): string {
    return dirname(this.path);
  }

  get body(): string {
    return join(this.path, "body");
  }

  get journal(): string {
    return join(this.path, "journal");
  }

  /** Creates a spool that this process owns. @throws PeekpackError `denied` if other users can write to `directory` */
  static async create(directory: string): Promise<SpoolFolder> {
    directory = resolve(directory);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await checkDirectory(directory);
    const id = `${Date.now().toString(36)}-${randomBytes(6).toString("hex")}`;
    const spool = new SpoolFolder(join(directory, id));
    await mkdir(spool.path, { mode: 0o700 });
    await spool.#addOwner(1, await ownIdentity());
    return spool;
  }

  /**
   * The folders of a directory that have the name of a spool, the oldest first; none if the directory does not exist. Skips those
   * of other users. Check the others by {@link problem}.
   * @throws PeekpackError `denied` if other users can write to `directory`
   */
  static async list(directory: string): Promise<SpoolFolder[]> {
    directory = resolve(directory);
    let names: string[];
    try {
      await checkDirectory(directory);
      names = await readdir(directory);
    } catch (error) {
      if (isErrno(error, "ENOENT")) return [];
      throw error;
    }
    const spools: SpoolFolder[] = [];
    for (const name of names.filter((name) => FOLDER.test(name)).sort()) {
      const path = join(directory, name);
      const stats = await lstat(path).catch(() => undefined);
      if (stats?.isDirectory() && (process.getuid === undefined || stats.uid === process.getuid())) {
        spools.push(new SpoolFolder(path));
      }
    }
    return spools;
  }

  /** Finds a spool; undefined if it does not exist. @throws PeekpackError `denied` unless the path proves to be a spool of this user */
  static async find(path: string): Promise<SpoolFolder | undefined> {
    const spool = new SpoolFolder(resolve(path));
    let problem: string | undefined;
    try {
      await checkDirectory(spool.directory);
      problem = FOLDER.test(spool.id) ? await spool.problem() : "it does not have the name of a spool";
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
    if (problem !== undefined) {
      throw new PeekpackError("denied", `${path} is not a spool of this user: ${problem}.`, {
        section: "spool",
      });
    }
    return spool;
  }

  /** Why this is no spool that this user can use; undefined if it is one. */
  async problem(): Promise<string | undefined> {
    const folder = await privateDirectoryProblem(this.path);
    if (folder !== undefined) return folder;
    const entries = await readdir(this.path, { withFileTypes: true });
    for (const entry of entries) {
      const { name } = entry;
      if (!FILES.includes(name) && !OWNER.test(name) && !NEW_OWNER.test(name)) return `it contains '${name}'`;
      if (!entry.isFile()) return `'${name}' is not a regular file`;
    }
    const hasOwner = entries.some(({ name }) => OWNER.test(name) || NEW_OWNER.test(name));
    return entries.length === 0 || hasOwner ? undefined : "it has no owner";
  }

  async ownerStatus(): Promise<OwnerStatus> {
    return (await this.#lastOwner()).status;
  }

  /** Whether the machine was rebooted after the spool was created. */
  async isFromEarlierBoot(): Promise<boolean> {
    const first = await this.#readOwner(1);
    return first != null && first.boot !== (await ownIdentity()).boot;
  }

  /**
   * Makes this process the owner.
   * @throws PeekpackError `conflict` if another process owns the spool or has just acquired it
   */
  async acquire(): Promise<void> {
    const { number, status } = await this.#lastOwner();
    const conflict = (): PeekpackError =>
      new PeekpackError("conflict", `Another process uses the spool ${this.path}.`, { section: "spool" });
    if (status === "running") throw conflict();
    try {
      // Owners are numbered, and a number exists once: if two processes find the same dead owner, only one succeeds.
      await this.#addOwner(number + 1, await ownIdentity());
    } catch (error) {
      throw isErrno(error, "EEXIST", "ENOENT") ? conflict() : error;
    }
  }

  /** Lets another process, or this one later, acquire the spool. */
  async release(): Promise<void> {
    await this.#addOwner((await this.#lastOwner()).number + 1, null);
  }

  /** Size of the body in bytes; undefined if there is none. */
  async bodySize(): Promise<number | undefined> {
    try {
      return (await lstat(this.body)).size;
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  async remove(): Promise<void> {
    // The owners last: if this is interrupted, the rest is small and still recognized as a spool.
    await rm(this.body, { force: true });
    await rm(this.journal, { force: true });
    await rm(this.path, { recursive: true, force: true });
  }

  async #lastOwner(): Promise<{ number: number; status: OwnerStatus }> {
    const names = await readdir(this.path).catch((error: unknown) => {
      if (isErrno(error, "ENOENT")) return [];
      throw error;
    });
    const number = Math.max(0, ...names.map((name) => Number(OWNER.exec(name)?.[1] ?? 0)));
    if (number === 0) return { number, status: (await this.#isOld()) ? "ended" : "unknown" };
    const identity = await this.#readOwner(number);
    // An old owner that cannot be read is damaged: the file appears whole.
    if (identity === undefined) return { number, status: (await this.#isOld()) ? "ended" : "unknown" };
    return { number, status: identity === null ? "released" : await processStatus(identity) };
  }

  async #isOld(): Promise<boolean> {
    try {
      return Date.now() - (await stat(this.path)).mtimeMs > OWNERLESS_MS;
    } catch (error) {
      if (isErrno(error, "ENOENT")) return false;
      throw error;
    }
  }

  /** An owner; `null` if the spool was released. Undefined if the file cannot be read, or is damaged. */
  async #readOwner(number: number): Promise<ProcessIdentity | null | undefined> {
    try {
      return decodeOwner(await readPrivateText(join(this.path, `owner.${number}`)));
    } catch {
      return undefined;
    }
  }

  async #addOwner(number: number, identity: ProcessIdentity | null): Promise<void> {
    const text = encodeOwner(identity);
    const file = join(this.path, `owner.${number}`);
    const temporary = join(this.path, `.${randomBytes(6).toString("hex")}`);
    try {
      // Written under another name and linked, so that nobody reads half of it.
      await writeFile(temporary, text, { flag: "wx", mode: 0o600 });
      await link(temporary, file);
    } catch (error) {
      if (!isErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")) throw error;
      const handle = await open(file, "wx", 0o600);
      await handle.writeFile(text);
      await handle.close();
    } finally {
      await rm(temporary, { force: true });
    }
  }
}
