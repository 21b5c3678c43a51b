import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { PeekpackError } from "@peekpack/core";
import { isErrno } from "./file-error.js";
import { ownIdentity, type ProcessIdentity, processStatus } from "./process-identity.js";
import { checkPrivate, defaultSpoolDirectory } from "./spool-directory.js";

// Creating a spool takes milliseconds. One without an owner for this long was left by a process that was killed meanwhile.
const OWNERLESS_MS = 600_000;

/** Status of the process that owns a spool; `released` if it has released the spool. */
export type OwnerStatus = "running" | "ended" | "unknown" | "released";

/** One spool on the disk: a folder with the body, the journal and the identities of its owners. */
export class Spool {
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

  /** Creates a spool that this process owns. */
  static async create(directory: string): Promise<Spool> {
    directory = resolve(directory);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (directory === defaultSpoolDirectory()) await checkPrivate(directory);
    const id = `${Date.now().toString(36)}-${randomBytes(6).toString("hex")}`;
    const spool = new Spool(join(directory, id));
    await mkdir(spool.path, { mode: 0o700 });
    await spool.#addOwner(1, await ownIdentity());
    return spool;
  }

  /** The spools of a directory, the oldest first; none if the directory does not exist. */
  static async list(directory: string): Promise<Spool[]> {
    directory = resolve(directory);
    const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
      if (isErrno(error, "ENOENT")) return [];
      throw error;
    });
    return entries
      .filter((entry) => entry.isDirectory() && /^[0-9a-z]+-[0-9a-f]{12}$/.test(entry.name))
      .map((entry) => new Spool(join(directory, entry.name)))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  static at(path: string): Spool {
    return new Spool(path);
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
      return (await stat(this.body)).size;
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
    const number = Math.max(0, ...names.map((name) => Number(/^owner\.(\d+)$/.exec(name)?.[1] ?? 0)));
    if (number === 0) return { number, status: (await this.#isOld()) ? "ended" : "unknown" };
    const identity = await this.#readOwner(number);
    if (identity === undefined) return { number, status: "unknown" };
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

  /** An owner; `null` if the spool was released. Undefined if the file cannot be read. */
  async #readOwner(number: number): Promise<ProcessIdentity | null | undefined> {
    try {
      return JSON.parse(await readFile(join(this.path, `owner.${number}`), "utf8")) as ProcessIdentity | null;
    } catch {
      return undefined;
    }
  }

  async #addOwner(number: number, identity: ProcessIdentity | null): Promise<void> {
    const text = JSON.stringify(identity);
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
