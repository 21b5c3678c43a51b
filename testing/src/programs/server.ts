import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Controls one server. */
export interface ServerRunner {
  /** The server's port on 127.0.0.1. */
  readonly port: number;
  /** Starts or restarts the server on the same port, with the data that it stored. */
  start(): Promise<void>;
  /** Kills the server, like a crash. Its data stays. */
  kill(): Promise<void>;
  /** Stops the server and removes its data. */
  close(): Promise<void>;
}

/** What a runner needs to know of a server, however it runs it. */
export interface ServerDescription {
  readonly name: string;
  /** Rejects unless the server at this port of 127.0.0.1 responds. */
  readonly probe: (port: number) => Promise<void>;
  /** Removed from the server's output where it is shown. */
  readonly secrets: readonly string[];
}

/** State of a server that is starting. */
export interface Watched {
  /** Why the server has ended; undefined while it runs. */
  ended(): string | undefined;
  /** The last lines of its output, without secrets. */
  log(): string | Promise<string>;
}

/** A free port on 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Replaces every secret in a text. */
export const withoutSecrets = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((shown, secret) => shown.replaceAll(secret, "***"), text);

/**
 * Waits until `probe` resolves.
 * @throws Error with the server's last output if it ends or takes longer than `limitMs`
 */
export async function waitUntilReady(
  name: string,
  probe: () => Promise<void>,
  watched: Watched,
  limitMs: number,
): Promise<void> {
  const until = Date.now() + limitMs;
  let last: unknown;
  while (Date.now() < until) {
    const ended = watched.ended();
    if (ended !== undefined) throw new Error(`${name} ${ended}. Its last lines:\n${await watched.log()}`);
    try {
      await probe();
      return;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  const why = last instanceof Error ? `${last.name} ${last.message}`.trim() : "no response";
  throw new Error(
    `${name} did not become ready within ${limitMs / 1000} s (${why}). Its last lines:\n${await watched.log()}`,
  );
}
