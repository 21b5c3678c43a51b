/**
 * The process of a contestant: makes one job ready and runs laps of it, as it is told on standard input. Nothing else runs
 * here, so that no other code's types reach what is measured, and each contestant clears up its own garbage: in its own laps,
 * as in a program that does nothing else.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Job, Jobs, Lap, Request } from "./job.js";

async function makeJob(name: string, parameters: unknown): Promise<Job> {
  const [file, which] = name.split("/") as [string, string];
  const { jobs } = (await import(`./jobs/${file}.js`)) as { jobs: Jobs };
  const make = jobs[which];
  if (make === undefined) throw new Error(`There is no job ${name}.`);
  return make(parameters as never);
}

async function lap(job: Job, repeat: number, argument: unknown): Promise<Lap> {
  await job.before?.(argument);
  const cpu = process.cpuUsage();
  const start = performance.now();
  let result: unknown;
  for (let i = 0; i < repeat; i++) {
    result = job.run(argument);
    if (result instanceof Promise) result = await result;
  }
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const facts = (await job.after?.(result)) ?? {};
  return {
    wallMs: wallMs / repeat,
    cpuMs: (user + system) / 1000 / repeat,
    peakRssBytes: peakRss(),
    facts,
  };
}

/** The largest resident size so far. Where Linux tells it: `maxRSS` begins with that of the process this one was forked from. */
function peakRss(): number {
  try {
    return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

let job: Job | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  let answer: unknown;
  if ("job" in request) {
    job = await makeJob(request.job, request.parameters);
    answer = job.facts ?? {};
  } else {
    answer = await lap(job!, request.repeat, request.argument);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
// Connections that a job keeps alive must not keep the process.
process.exit(0);
