#!/usr/bin/env node
import { main } from "./command-line.js";
import { Interrupted } from "./interrupted.js";

const controller = new AbortController();
// Once: a second Ctrl-C exits immediately.
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => controller.abort(new Interrupted(name)));
}
const { stdin, stdout, stderr } = process;
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, signal: controller.signal });
