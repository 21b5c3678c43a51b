/**
 * Process of a contestant: prepares one job and runs laps of it on request. Each contestant has its own process, so that no
 * other code influences type feedback and garbage collection.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Job, Jobs, Lap, Request } from "./job.js";

async function makeJob(name: string, parameters: unknown): Promise<Job> {
  const [file, which] = name.split("/") as [string, string];
  const { jobs } = (await import(`./jobs/${file}.js`)) as { jobs: Jobs };
  const make = jobs[which];
  if (make === undefined) throw new Error(`There is no job "${name}".`);
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

/** Peak resident size. On Linux from /proc, because `maxRSS` is inherited from the parent process. */
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
  let response: unknown;
  if ("job" in request) {
    job = await makeJob(request.job, request.parameters);
    response = job.facts ?? {};
  } else {
    response = await lap(job!, request.repeat, request.argument);
  }
  process.stdout.write(`${JSON.stringify(response)}\n`);
}
// Connections that a job keeps alive must not keep the process alive.
process.exit(0);
