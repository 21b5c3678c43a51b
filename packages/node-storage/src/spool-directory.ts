import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { withSystemErrors } from "./file-error.js";

const ACTION = "find the default directory of spools";

/**
 * The default directory of spools that are not durable: one of this user below the system's temporary directory. It may not
 * survive a reboot.
 * @throws PeekpackError `denied` if Deno has no permission to find it
 */
export function defaultSpoolDirectory(): string {
  return withSystemErrors(ACTION, "spool", () => {
    // Bun takes the user's name from the environment, and a container may have no name for its user.
    const user = process.getuid?.() ?? userInfo().username.replace(/[^\w.-]/g, "_");
    return join(tmpdir(), `peekpack-spool-${user}`);
  });
}

/**
 * The default directory of durable spools: below XDG_STATE_HOME, else below `.local/state` of the home directory.
 * @throws PeekpackError `denied` if Deno has no permission to find it
 */
export function durableSpoolDirectory(): string {
  return withSystemErrors(ACTION, "spool", () =>
    join(process.env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "peekpack", "spool"),
  );
}
