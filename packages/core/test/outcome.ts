import { isPeekpackError } from "../src/index.js";

/** The code of the typed error that something rejects with or throws; any other error itself. */
export async function failure(work: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    return isPeekpackError(error) ? error.code : error;
  }
  return "no error";
}

/** The whole error. */
export async function caught(work: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    return error;
  }
  return undefined;
}

/** All bytes of a stream. */
export async function collected(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}
