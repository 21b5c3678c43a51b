import { mkdir, rm, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const BEAT_MS = 2_000;
/** A lock whose owner has not shown life for this long belongs to a dead process. */
const STALE_MS = 20_000;

async function age(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

/**
 * Runs `work` while no other process that asks for the same lock does. The lock is a directory, which one process
 * alone can make; its owner touches it, so that the lock of a process that died is taken over.
 * @throws Error when the lock is not to be had within `waitMs`
 */
export async function withDirectoryLock<T>(path: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const until = Date.now() + waitMs;
  for (;;) {
    try {
      await mkdir(path);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if ((await age(path)) > STALE_MS) await rm(path, { recursive: true, force: true });
    else if (Date.now() > until) throw new Error(`another process holds ${path} for too long`);
    else await sleep(200);
  }
  const beat = setInterval(() => utimes(path, new Date(), new Date()).catch(() => {}), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(path, { recursive: true, force: true });
  }
}
