import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";

/** Identifies one process forever: the system reuses process ids. Plain data. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the system's own format; undefined if the system does not report it. */
  readonly started?: string | undefined;
  readonly host: string;
  /** Id of the machine's boot; undefined if the system does not report it. */
  readonly boot?: string | undefined;
  /** Id of the pid namespace, of which each container has its own; undefined if the system does not report it. */
  readonly namespace?: string | undefined;
}

/** The identity of this process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const { pid } = process;
  const [started, boot, namespace] = await Promise.all([startTime(pid), bootId(), pidNamespace()]);
  return { pid, host: hostname(), started, boot, namespace };
}

/**
 * Whether a process still runs. `unknown` for processes of another machine or container.
 * @param map how the fields of `identity` were mapped. Default: not at all
 */
export async function processStatus(
  identity: ProcessIdentity,
  map: (text: string) => string = (text) => text,
): Promise<"running" | "ended" | "unknown"> {
  const self = mapIdentity(await ownIdentity(), map);
  if (identity.host !== self.host) return "unknown";
  // No process survives a reboot, even if another one has its id now.
  if (identity.boot !== undefined && self.boot !== undefined && identity.boot !== self.boot) return "ended";
  if (identity.namespace !== self.namespace) return "unknown";
  if (!processExists(identity.pid)) return "ended";
  const current = await startTime(identity.pid);
  const started = current && map(current);
  return identity.started !== undefined && started !== undefined && started !== identity.started
    ? "ended"
    : "running";
}

/** Maps the texts of an identity. */
export function mapIdentity(
  { pid, started, host, boot, namespace }: ProcessIdentity,
  map: (text: string) => string,
): ProcessIdentity {
  return {
    pid,
    host: map(host),
    started: started && map(started),
    boot: boot && map(boot),
    namespace: namespace && map(namespace),
  };
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function startTime(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
    // Field 22 of proc(5), counted from the end of field 2: that is a name, which may contain blanks and brackets.
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
