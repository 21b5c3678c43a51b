import { setTimeout as sleep } from "node:timers/promises";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { type S3Access, s3Client } from "./client.js";

/** Controls one server. */
export interface Runner {
  /** Starts or restarts the server on the same port, with the data that it stored. */
  start(): Promise<void>;
  /** Kills the server, like a crash. Its data stays. */
  kill(): Promise<void>;
  /** Stops the server and removes its data. */
  close(): Promise<void>;
}

/** State of a server that is starting. */
export interface Watched {
  /** Why the server has ended; undefined while it runs. */
  ended(): string | undefined;
  /** The last lines of its output, without credentials. */
  log(): string | Promise<string>;
}

const PROBE_MS = 5_000;

/**
 * Waits until the server responds to a signed request.
 * @throws Error with the server's last output if it ends or takes longer than `limitMs`
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
  const why = last instanceof Error ? `${last.name} ${last.message}`.trim() : "no response";
  throw new Error(
    `${name} did not become ready within ${limitMs / 1000} s (${why}). Its last lines:\n${await watched.log()}`,
  );
}
