import { setTimeout as sleep } from "node:timers/promises";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { type S3Access, s3Client } from "./client.js";

/** What runs a server: a process, a container, or this process. */
export interface Runner {
  /** Starts the server, for the first time or again: on the same port, with what it stored. */
  start(): Promise<void>;
  /** Ends the server at once, as a crash does. What it stored stays. */
  kill(): Promise<void>;
  /** Ends the server and removes what it stored. */
  close(): Promise<void>;
}

/** What is known of a server while one waits for it. */
export interface Watched {
  /** Why the server is no longer running; undefined while it is. */
  ended(): string | undefined;
  /** The last lines that it wrote, without credentials. */
  log(): string | Promise<string>;
}

const PROBE_MS = 5_000;

/**
 * Waits until the server answers a signed request.
 * @throws Error with the server's last lines when it ends or takes longer than `limitMs`
 */
export async function waitUntilReady(
  name: string,
  access: S3Access,
  watched: Watched,
  limitMs: number,
): Promise<void> {
  const client = s3Client(access, { maxAttempts: 1 });
  const until = Date.now() + limitMs;
  let last: unknown;
  try {
    while (Date.now() < until) {
      const ended = watched.ended();
      if (ended !== undefined) throw new Error(`${name} ${ended}. Its last lines:\n${await watched.log()}`);
      try {
        await client.send(new ListBucketsCommand({}), { abortSignal: AbortSignal.timeout(PROBE_MS) });
        return;
      } catch (error) {
        last = error;
      }
      await sleep(50);
    }
  } finally {
    client.destroy();
  }
  const why = last instanceof Error ? `${last.name} ${last.message}`.trim() : "no answer";
  throw new Error(
    `${name} did not become ready within ${limitMs / 1000} s (${why}). Its last lines:\n${await watched.log()}`,
  );
}
