import { type ErrorCode, isPeekpackError, PeekpackError } from "@peekpack/core";

/** One end of a connection: a Worker, a worker's global scope, or a MessagePort. */
export interface RpcPort {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  removeEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  /** A MessagePort delivers nothing before it is started. */
  start?(): void;
}

/** A method that the other end can call. Its result is copied, except what it transfers. */
export type RpcMethod = (call: RpcCall, ...args: never[]) => unknown;

/** One call, as its method sees it. */
export interface RpcCall {
  /** Aborts when the caller aborts. */
  readonly signal: AbortSignal;
  /** Transfers `buffers` with the result. */
  transfer(buffers: Iterable<Transferable>): void;
}

/** Calls methods on the other end of a port. */
export interface RpcClient {
  /**
   * Calls a method. Arguments are copied, except what `transfer` lists.
   * @throws what the method threw, with its class if that is PeekpackError, TypeError, RangeError or DOMException; the
   * signal's reason as soon as the signal aborts
   */
  call<T>(
    name: string,
    args: readonly unknown[],
    options?: { readonly signal?: AbortSignal | undefined; readonly transfer?: readonly Transferable[] },
  ): Promise<T>;
  /** Rejects all pending and later calls with `reason`. */
  close(reason: unknown): void;
}

type Message =
  | { readonly rpc: "call"; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly rpc: "abort"; readonly id: number }
  | { readonly rpc: "result"; readonly id: number; readonly value: unknown }
  | { readonly rpc: "error"; readonly id: number; readonly error: SerializedError };

interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly code?: ErrorCode;
  readonly details?: object;
}

/** Makes the calling end. */
export function rpcClient(port: RpcPort): RpcClient {
  const pending = new Map<number, { resolve(value: unknown): void; reject(reason: unknown): void }>();
  let next = 0;
  let closed: { readonly reason: unknown } | undefined;
  const listener = ({ data }: MessageEvent<Message>): void => {
    const call = pending.get(data?.id);
    if (call === undefined) return;
    if (data.rpc === "result") call.resolve(data.value);
    else if (data.rpc === "error") call.reject(deserializeError(data.error));
  };
  port.addEventListener("message", listener);
  port.start?.();
  return {
    call<T>(
      name: string,
      args: readonly unknown[],
      { signal, transfer = [] }: Parameters<RpcClient["call"]>[2] = {},
    ): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        if (closed) return reject(closed.reason);
        if (signal?.aborted) return reject(signal.reason);
        const id = next++;
        const end = (): void => {
          pending.delete(id);
          signal?.removeEventListener("abort", abort);
        };
        const abort = (): void => {
          end();
          port.postMessage({ rpc: "abort", id } satisfies Message, []);
          reject(signal?.reason);
        };
        pending.set(id, {
          resolve(value) {
            end();
            resolve(value as T);
          },
          reject(reason) {
            end();
            reject(reason);
          },
        });
        signal?.addEventListener("abort", abort);
        try {
          port.postMessage({ rpc: "call", id, name, args } satisfies Message, [...transfer]);
        } catch (error) {
          end();
          reject(error);
        }
      });
    },
    close(reason) {
      closed ??= { reason };
      port.removeEventListener("message", listener);
      for (const call of [...pending.values()]) call.reject(reason);
    },
  };
}

/** Serves methods to the other end. @returns a function that stops serving and aborts pending calls */
export function serveRpc(port: RpcPort, methods: Readonly<Record<string, RpcMethod>>): () => void {
  const calls = new Map<number, AbortController>();
  const listener = ({ data }: MessageEvent<Message>): void => {
    if (data?.rpc === "abort") calls.get(data.id)?.abort();
    if (data?.rpc === "call") void run(data.id, data.name, data.args);
  };
  const run = async (id: number, name: string, args: readonly unknown[]): Promise<void> => {
    const controller = new AbortController();
    calls.set(id, controller);
    const transfer: Transferable[] = [];
    const { signal } = controller;
    let response: Message;
    try {
      const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
      if (method === undefined) throw new TypeError(`The other end has no method '${name}'.`);
      const call: RpcCall = { signal, transfer: (buffers) => transfer.push(...buffers) };
      response = { rpc: "result", id, value: await method(call, ...(args as never[])) };
    } catch (error) {
      response = { rpc: "error", id, error: serializeError(error) };
    }
    calls.delete(id);
    if (signal.aborted) return;
    try {
      port.postMessage(response, response.rpc === "result" ? transfer : []);
    } catch (error) {
      // The result cannot be cloned.
      port.postMessage({ rpc: "error", id, error: serializeError(error) } satisfies Message, []);
    }
  };
  port.addEventListener("message", listener);
  port.start?.();
  return () => {
    port.removeEventListener("message", listener);
    for (const controller of calls.values()) controller.abort();
  };
}

function serializeError(error: unknown): SerializedError {
  const { name = "Error", message = String(error) } = (error ?? {}) as Partial<Error>;
  if (!isPeekpackError(error)) return { name, message };
  const { code, section, offset, path } = error;
  return { name, message, code, details: { section, offset, path } };
}

function deserializeError({ name, message, code, details = {} }: SerializedError): unknown {
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
