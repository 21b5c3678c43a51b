import { type GoProgram, type LocateOptions, locateGoProgram } from "../programs/go-program.js";
import { type Located, locateProgram } from "../programs/program.js";
import { dockerAvailable } from "../programs/server-container.js";
import { livePython } from "../python/environment.js";

/** @throws Error if RUSTFS_BIN names no executable */
export const locateRustfs = (): Promise<Located> => locateProgram("rustfs", "RUSTFS_BIN");

const VERSITYGW: GoProgram = {
  name: "versitygw",
  variable: "VERSITYGW_BIN",
  module: "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
};
const RCLONE: GoProgram = {
  name: "rclone",
  variable: "RCLONE_BIN",
  module: "github.com/rclone/rclone@v1.76.0",
};

/**
 * Finds versitygw, or builds it, which takes over a minute.
 * @throws Error if VERSITYGW_BIN names no executable
 */
export const locateVersitygw = (options: LocateOptions): Promise<Located> =>
  locateGoProgram(VERSITYGW, options);

/**
 * Finds rclone, or builds it, which takes several minutes.
 * @throws Error if RCLONE_BIN names no executable
 */
export const locateRclone = (options: LocateOptions): Promise<Located> => locateGoProgram(RCLONE, options);

/** Finds moto in the virtual environment of the live Python. */
export async function locateMoto(): Promise<Located> {
  const live = await livePython();
  if (live.absent !== undefined) return { command: undefined, how: live.absent };
  if (live.versions.moto === undefined)
    return { command: undefined, how: "pip found no moto for this platform" };
  return { command: live.python, how: `pip installed version ${live.versions.moto}` };
}

/** Whether a real server can be started without building it. `how` gives the reason. */
export async function locateS3(
  kind: "rustfs" | "versitygw" | "rclone" | "moto",
): Promise<{ readonly here: boolean; readonly how: string }> {
  const locate = {
    rustfs: locateRustfs,
    versitygw: () => locateVersitygw({ build: false }),
    rclone: () => locateRclone({ build: false }),
    moto: locateMoto,
  };
  const found = await locate[kind]();
  if (found.command !== undefined) return { here: true, how: found.how };
  if (kind === "rustfs" && (await dockerAvailable()))
    return { here: true, how: `${found.how}, but Docker is running` };
  return { here: false, how: found.how };
}
