import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** The path of a program. `how` says where it was found, or why it was not. */
export type Located =
  | { readonly command: string; readonly how: string }
  | { readonly command: undefined; readonly how: string };

/** Whether a path is an executable file. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Finds a program on PATH. @returns its full path */
export async function findOnPath(name: string): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(directory, process.platform === "win32" ? `${name}.exe` : name);
    if (directory !== "" && (await isExecutable(path))) return path;
  }
  return undefined;
}

/** Finds a program by an environment variable, else on PATH. @throws Error if the variable names no executable */
export async function locateProgram(name: string, variable: string): Promise<Located> {
  const named = process.env[variable];
  if (named !== undefined && named !== "") {
    if (await isExecutable(named)) return { command: named, how: `${variable} names it` };
    throw new Error(`${variable} is set, but names no executable file`);
  }
  const command = await findOnPath(name);
  return command === undefined
    ? { command, how: `no ${name}: ${variable} is not set and PATH has none` }
    : { command, how: `${name} is on PATH` };
}
