import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";

/**
 * Names one process among all that ever ran: a number alone is used again, by another process, after a while. Plain data.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own terms; undefined where the system does not tell. */
  readonly started?: string | undefined;
  readonly host: string;
  /** Which start of the machine; undefined where the system does not tell. */
  readonly boot?: string | undefined;
  /** Which numbering of processes, since containers each have their own; undefined where the system does not tell. */
  readonly namespace?: string | undefined;
}

/** The identity of this process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const { pid } = process;
  const [started, boot, namespace] = await Promise.all([startOf(pid), bootId(), pidNamespace()]);
  return { pid, host: hostname(), started, boot, namespace };
}

/**
 * Whether a process still runs: `unknown` when it ran on another machine or in another container, where nobody here can
 * tell.
 */
export async function fateOf(identity: ProcessIdentity): Promise<"running" | "ended" | "unknown"> {
  const self = await ownIdentity();
  if (identity.host !== self.host) return "unknown";
  // After a restart of the machine none of the old processes runs, whatever has their number.
  if (identity.boot !== undefined && self.boot !== undefined && identity.boot !== self.boot) return "ended";
  if (identity.namespace !== self.namespace) return "unknown";
  if (!hasProcess(identity.pid)) return "ended";
  const started = await startOf(identity.pid);
  return identity.started !== undefined && started !== undefined && started !== identity.started
    ? "ended"
    : "running";
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of somebody else is one all the same.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
    // Field 22 of proc(5). The name, field 2, may hold blanks and brackets, so that one counts from its end.
    return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  }
  if (process.platform === "win32") return undefined;
  const listed = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)], {
    env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
  }).catch(() => undefined);
  return listed?.stdout.trim() || undefined;
}

async function bootId(): Promise<string | undefined> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => undefined))?.trim();
}

async function pidNamespace(): Promise<string | undefined> {
  return readlink("/proc/self/ns/pid").catch(() => undefined);
}
