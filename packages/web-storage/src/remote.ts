import { type ErrorCode, isPeekpackError, PeekpackError } from "@peekpack/core";

/** What both ends of a remote need of a worker, a worker's global scope, or a MessagePort. */
export interface RemotePort {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  removeEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  /** A MessagePort delivers nothing before. */
  start?(): void;
}

/** A function that answers calls from afar. What it returns is copied, but for what it transfers. */
export type RemoteMethod = (call: RemoteCall, ...args: never[]) => unknown;

/** One call as its answerer sees it. */
export interface RemoteCall {
  /** Aborts when the caller has left. */
  readonly signal: AbortSignal;
  /** Has `buffers` transferred with the answer. */
  transfer(buffers: Iterable<Transferable>): void;
}

/** Calls functions on the other end of a port. */
export interface Remote {
  /**
   * Calls a function and waits for its answer. Arguments are copied, but for what is transferred.
   * @throws what the function threw, with its type where that is PeekpackError, TypeError, RangeError or DOMException;
   * the signal's reason as soon as that aborts
   */
  call<T>(
    name: string,
    args: readonly unknown[],
    options?: { readonly signal?: AbortSignal | undefined; readonly transfer?: readonly Transferable[] },
  ): Promise<T>;
  /** Rejects what is waited for, and every later call. */
  close(reason: unknown): void;
}

type Message =
  | { readonly remote: "call"; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly remote: "leave"; readonly id: number }
  | { readonly remote: "result"; readonly id: number; readonly value: unknown }
  | { readonly remote: "error"; readonly id: number; readonly error: ErrorNote };

interface ErrorNote {
  readonly name: string;
  readonly message: string;
  readonly code?: ErrorCode;
  readonly details?: object;
}

/** Makes the calling end. */
export function remote(port: RemotePort): Remote {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(reason: unknown): void }>();
  let next = 0;
  let closed: { readonly reason: unknown } | undefined;
  const listener = ({ data }: MessageEvent<Message>): void => {
    const call = waiting.get(data?.id);
    if (call === undefined) return;
    if (data.remote === "result") call.resolve(data.value);
    else if (data.remote === "error") call.reject(revivedError(data.error));
  };
  port.addEventListener("message", listener);
  port.start?.();
  return {
    call<T>(
      name: string,
      args: readonly unknown[],
      { signal, transfer = [] }: Parameters<Remote["call"]>[2] = {},
    ): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        if (closed) return reject(closed.reason);
        if (signal?.aborted) return reject(signal.reason);
        const id = next++;
        const end = (): void => {
          waiting.delete(id);
          signal?.removeEventListener("abort", leave);
        };
        const leave = (): void => {
          end();
          port.postMessage({ remote: "leave", id } satisfies Message, []);
          reject(signal?.reason);
        };
        waiting.set(id, {
          resolve(value) {
            end();
            resolve(value as T);
          },
          reject(reason) {
            end();
            reject(reason);
          },
        });
        signal?.addEventListener("abort", leave);
        try {
          port.postMessage({ remote: "call", id, name, args } satisfies Message, [...transfer]);
        } catch (error) {
          end();
          reject(error);
        }
      });
    },
    close(reason) {
      closed ??= { reason };
      port.removeEventListener("message", listener);
      for (const call of [...waiting.values()]) call.reject(reason);
    },
  };
}

/** Makes the answering end. @returns what ends it: no call is answered any more, and those under way are aborted */
export function answer(port: RemotePort, methods: Readonly<Record<string, RemoteMethod>>): () => void {
  const calls = new Map<number, AbortController>();
  const listener = ({ data }: MessageEvent<Message>): void => {
    if (data?.remote === "leave") calls.get(data.id)?.abort();
    if (data?.remote === "call") void run(data.id, data.name, data.args);
  };
  const run = async (id: number, name: string, args: readonly unknown[]): Promise<void> => {
    const controller = new AbortController();
    calls.set(id, controller);
    const transfer: Transferable[] = [];
    const { signal } = controller;
    let reply: Message;
    try {
      const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
      if (method === undefined) throw new TypeError(`There is no method '${name}' on the other end.`);
      const call: RemoteCall = { signal, transfer: (buffers) => transfer.push(...buffers) };
      reply = { remote: "result", id, value: await method(call, ...(args as never[])) };
    } catch (error) {
      reply = { remote: "error", id, error: noteOf(error) };
    }
    calls.delete(id);
    if (signal.aborted) return;
    try {
      port.postMessage(reply, reply.remote === "result" ? transfer : []);
    } catch (error) {
      // A value that cannot be copied.
      port.postMessage({ remote: "error", id, error: noteOf(error) } satisfies Message, []);
    }
  };
  port.addEventListener("message", listener);
  port.start?.();
  return () => {
    port.removeEventListener("message", listener);
    for (const controller of calls.values()) controller.abort();
  };
}

function noteOf(error: unknown): ErrorNote {
  const { name = "Error", message = String(error) } = (error ?? {}) as Partial<Error>;
  if (!isPeekpackError(error)) return { name, message };
  const { code, section, offset, path } = error;
  return { name, message, code, details: { section, offset, path } };
}

function revivedError({ name, message, code, details = {} }: ErrorNote): unknown {
  if (code !== undefined) return new PeekpackError(code, message, details);
  if (name === "TypeError") return new TypeError(message);
  if (name === "RangeError") return new RangeError(message);
  if (/^[A-Z]\w*Error$/.test(name) && typeof DOMException !== "undefined") {
    return new DOMException(message, name);
  }
  const error = new Error(message);
  error.name = name;
  return error;
}
