import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/**
 * The default directory of spools that are not durable: one of this user below the system's temporary directory. It may not
 * survive a reboot.
 */
export function defaultSpoolDirectory(): string {
  return join(tmpdir(), `peekpack-spool-${userInfo().username.replace(/[^\w.-]/g, "_")}`);
}

/** The default directory of durable spools: below XDG_STATE_HOME, else below `.local/state` of the home directory. */
export function durableSpoolDirectory(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "peekpack", "spool");
}
