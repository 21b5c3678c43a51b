/** Maximum size of a response without object data. A page of 1,000 parts with checksums has about 300 KB. */
export const MAX_RESPONSE: number = 4 * 2 ** 20;

/**
 * A body that ends after `limit` bytes. Cancels the rest. Accepts the bodies of the AWS SDK's request handlers: streams of Node and
 * of the web. Returns anything else as it is.
 */
export function limitBody(body: unknown, limit: number): unknown {
  const chunks = chunksOf(body);
  if (chunks === undefined) return body;
  let left = limit;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (!done) {
        controller.enqueue(value.subarray(0, left));
        left -= value.length;
      }
      if (!done && left > 0) return;
      controller.close();
      await chunks.return?.();
    },
    async cancel() {
      await chunks.return?.();
    },
  });
}

function chunksOf(body: unknown): AsyncIterator<Uint8Array> | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  // Not every browser iterates streams.
  if (body instanceof ReadableStream) {
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    return {
      next: () => reader.read() as Promise<IteratorResult<Uint8Array>>,
      async return() {
        await reader.cancel();
        return { done: true, value: undefined };
      },
    };
  }
  return Symbol.asyncIterator in body
    ? (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    : undefined;
}
