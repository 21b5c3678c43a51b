import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** Python packages that only benchmarks need, and their versions. */
export const PYTHON_PEERS = { h5py: "3.16.0", apsw: "3.54.1.0" } as const;

/** Installs them beside a virtual environment, which has numpy. @returns their directory, or why they are absent */
export async function pythonPeers(
  python: string,
  scratch: string,
): Promise<{ readonly packages: string } | { readonly absent: string }> {
  const packages = join(scratch, "python-peers");
  const pins = Object.entries(PYTHON_PEERS).map(([name, version]) => `${name}==${version}`);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"];
  try {
    const from = ["--only-binary", ":all:", "--no-deps", "--target", packages];
    await promisify(execFile)(python, [...pip, ...from, ...pins], { timeout: 120_000 });
  } catch {
    return { absent: `pip cannot install ${pins.join(" and ")}` };
  }
  return { packages };
}
