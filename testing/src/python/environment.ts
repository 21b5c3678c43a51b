import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../cache/cache-directory.js";
import { withDirectoryLock } from "../cache/directory-lock.js";
import { findOnPath } from "../programs/program.js";

const run = promisify(execFile);

/** The versions that made the fixtures. */
const REQUIRED = ["msglc==261017", "msgpack==1.2.4", "cbor2==6.3.0", "numpy==2.4.6"];
/** Used by some tests; left out if the platform has no wheel. */
const OPTIONAL = [
  "s3fs==2026.9.0",
  "msgspec==0.22.0",
  "moto[server,s3]==5.2.5",
  "pyarrow==26.0.1",
  "duckdb==2.0.1",
  "pyzstd==0.20.0",
];
const SETUP_MS = 5 * 60 * 1000;

/** A Python with msglc, or the reason why it is absent. */
export type LivePython =
  | {
      readonly python: string;
      readonly versions: Readonly<Record<string, string>>;
      readonly absent?: undefined;
    }
  | { readonly absent: string };

const lastLine = (error: unknown): string => {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split("\n").at(-1) ?? "";
};

async function findPython(): Promise<string | undefined> {
  const named = process.env.PEEKPACK_PYTHON;
  if (named) return named;
  return (await findOnPath("python3")) ?? (await findOnPath("python"));
}

const VERSIONS = `
import json, sys
from importlib.metadata import version, PackageNotFoundError
found = {"python": sys.version.split()[0]}
for name in ${JSON.stringify([...REQUIRED, ...OPTIONAL].map((pin) => /^[\w-]+/.exec(pin)![0]))}:
    try: found[name] = version(name)
    except PackageNotFoundError: pass
print(json.dumps(found))
`;

/** Creates the virtual environment. @returns the reason if it fails */
async function install(base: string, directory: string, python: string): Promise<string | undefined> {
  await rm(directory, { recursive: true, force: true });
  try {
    await run(base, ["-m", "venv", directory], { timeout: SETUP_MS });
  } catch (error) {
    return `python cannot make a virtual environment: ${lastLine(error)}`;
  }
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"];
  const only = ["--only-binary", ":all:"];
  try {
    await run(python, [...pip, ...only, ...REQUIRED], { timeout: SETUP_MS });
  } catch (error) {
    return `pip cannot install ${REQUIRED.join(", ")}: ${lastLine(error)}`;
  }
  for (const pin of OPTIONAL)
    await run(python, [...pip, ...only, pin], { timeout: SETUP_MS }).catch(() => {});
  return undefined;
}

/**
 * Finds the virtual environment with msglc in the cache. The first call creates it: half a minute, with network access. A
 * lock makes other processes wait meanwhile.
 */
export async function livePython(): Promise<LivePython> {
  const base = await findPython();
  if (base === undefined) return { absent: "no python3 on PATH, and PEEKPACK_PYTHON is not set" };
  let baseVersion: string;
  try {
    baseVersion = (await run(base, ["-c", "import sys; print(sys.version, sys.executable)"])).stdout;
  } catch (error) {
    return { absent: `python cannot be run: ${lastLine(error)}` };
  }
  const key = createHash("sha256")
    .update([baseVersion, ...REQUIRED, ...OPTIONAL].join("\n"))
    .digest("hex")
    .slice(0, 12);
  const directory = join(cacheDirectory(), `venv-${key}`);
  const python = join(
    directory,
    ...(process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"]),
  );
  const ready = join(directory, "peekpack-versions.json");
  const known = async (): Promise<LivePython | undefined> => {
    try {
      return { python, versions: JSON.parse(await readFile(ready, "utf8")) as Record<string, string> };
    } catch {
      return undefined;
    }
  };
  return (
    (await known()) ??
    withDirectoryLock(`${directory}.lock`, SETUP_MS, async (): Promise<LivePython> => {
      const made = await known();
      if (made !== undefined) return made;
      const absent = await install(base, directory, python);
      if (absent !== undefined) return { absent };
      const { stdout } = await run(python, ["-c", VERSIONS]);
      await writeFile(ready, stdout);
      return { python, versions: JSON.parse(stdout) as Record<string, string> };
    })
  );
}
