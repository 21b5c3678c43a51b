import { createHash, randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { mapIdentity, ownIdentity, type ProcessIdentity, processStatus } from "./process-identity.js";

// File names have at most 255 bytes on most file systems. The suffix takes about 70.
const MAX_NAME_BYTES = 160;
const SUFFIX = /^(\d+)-([0-9a-f]*)-([0-9a-f]*)-([0-9a-f]*)-([0-9a-f]*)\.[0-9a-f]{12}\.tmp$/;

/**
 * A new path for a temporary file next to `target`. Its name has the name of the target and the identity of this process:
 * `.NAME.PROCESS.RANDOM.tmp`.
 */
export async function temporaryPath(target: string): Promise<string> {
  const { pid, started, boot, namespace, host } = mapIdentity(await ownIdentity(), digest);
  const owner = [pid, started, boot, namespace, host].join("-");
  return join(dirname(target), `${prefixOf(target)}${owner}.${randomBytes(6).toString("hex")}.tmp`);
}

/** Removes temporary files for `target` whose processes have ended, as far as this user can. */
export async function removeAbandonedFiles(target: string): Promise<void> {
  const prefix = prefixOf(target);
  for (const name of await readdir(dirname(target)).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const found = SUFFIX.exec(name.slice(prefix.length));
    if (found === null) continue;
    const [pid, started, boot, namespace, host] = found.slice(1) as [string, string, string, string, string];
    const identity: ProcessIdentity = {
      pid: Number(pid),
      host,
      started: started || undefined,
      boot: boot || undefined,
      namespace: namespace || undefined,
    };
    if ((await processStatus(identity, digest)) === "ended") {
      await rm(join(dirname(target), name), { force: true }).catch(() => {});
    }
  }
}

function prefixOf(target: string): string {
  const name = basename(target);
  const short = Buffer.byteLength(name) <= MAX_NAME_BYTES ? name : digest(name);
  return `.${short}.`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
