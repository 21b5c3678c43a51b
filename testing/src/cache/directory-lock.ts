import { mkdir, rm, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const TOUCH_MS = 2_000;
/** A lock that was not touched for this long belongs to a dead process. */
const STALE_MS = 20_000;

async function age(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

/**
 * Runs `work` while holding a lock between processes. The lock is a directory, because mkdir is atomic. Its owner touches
 * it regularly; a lock that is not touched any more is taken over.
 * @throws Error if the lock is not free within `waitMs`
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
    else if (Date.now() > until) throw new Error(`another process has held ${path} for too long`);
    else await sleep(200);
  }
  const touching = setInterval(() => utimes(path, new Date(), new Date()).catch(() => {}), TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    await rm(path, { recursive: true, force: true });
  }
}
