import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, platform, release, totalmem } from "node:os";
import { dirname } from "node:path";
import type { Row } from "./row.js";

/** Environment of a benchmark run. */
export interface Circumstances {
  readonly at: string;
  /** The commit, and whether the packages had uncommitted changes. */
  readonly commit: string;
  readonly node: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Load average at start and end. Above `cores`, other processes were busy. */
  readonly load: { readonly before: number; readonly after: number };
  readonly versions: Readonly<Record<string, string>>;
}

/** Result of a benchmark. */
export interface Result {
  readonly what: string;
  readonly rounds: number;
  readonly circumstances: Circumstances;
  readonly rows: readonly Row[];
  /** Skipped parts, with reasons. */
  readonly skipped: readonly string[];
}

const PEERS = [
  "msgpackr",
  "cbor-x",
  "@aws-sdk/client-s3",
  "@aws-sdk/lib-storage",
  "@mdn/browser-compat-data",
  "pmtiles",
  "zarrita",
  "hyparquet",
  "hyparquet-writer",
];

function packageVersions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const { dependencies } = require("../package.json") as { dependencies: Record<string, string> };
  return Object.fromEntries(PEERS.map((name) => [name, dependencies[name]!]));
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    const changed = git("status", "--porcelain", "--untracked-files=no", ":/packages") !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? ", packages changed" : "");
  } catch {
    return "unknown";
  }
}

/** Records the environment at the start. @returns a function that completes the record at the end */
export function noteCircumstances(python: Readonly<Record<string, string>> | undefined): () => Circumstances {
  const at = new Date().toISOString();
  const before = loadavg()[0]!;
  return () => ({
    at,
    commit: commit(),
    node: process.version,
    system: `${platform()} ${release()}`,
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    load: { before, after: loadavg()[0]! },
    versions: { ...packageVersions(), ...python },
  });
}

/** Merges results into a file. */
export function keepResults(file: string, results: Readonly<Record<string, Result>>): void {
  let old: Record<string, Result> = {};
  try {
    old = JSON.parse(readFileSync(file, "utf8")) as Record<string, Result>;
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
  }
  mkdirSync(dirname(file), { recursive: true });
  const rounded = (_: string, value: unknown): unknown =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
  writeFileSync(file, `${JSON.stringify({ ...old, ...results }, rounded, 2)}\n`);
}
