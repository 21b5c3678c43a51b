/**
 * Publishes the packages whose versions are not in the registry yet. npm signs their provenance only if each names the repository that it
 * is built from, so the manifests get what the workflow says.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
if (!GITHUB_SERVER_URL || !GITHUB_REPOSITORY) {
  throw new Error("Releases are made by .github/workflows/release.yml, which sets GITHUB_REPOSITORY.");
}
for (const name of readdirSync("packages")) {
  const file = join("packages", name, "package.json");
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  const url = `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git`;
  manifest.repository = { type: "git", url, directory: `packages/${name}` };
  writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
}
const { status } = spawnSync("npx", ["changeset", "publish"], { stdio: "inherit" });
process.exitCode = status ?? 1;
