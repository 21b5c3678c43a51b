/**
 * Does numbered work a few at a time, in order of the numbers. The first failure stops the others, and all of them have
 * ended when this rejects: nothing arrives late.
 * @throws what the first failed work threw, or the signal's reason
 */
export async function inParallel(
  count: number,
  concurrency: number,
  outer: AbortSignal | undefined,
  work: (index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const follow = (): void => controller.abort(outer?.reason);
  outer?.addEventListener("abort", follow);
  if (outer?.aborted) follow();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count && !signal.aborted) await work(next++, signal);
  };
  try {
    await Promise.all(
      Array.from({ length: Math.min(concurrency, count) }, () =>
        worker().catch((error: unknown) => controller.abort(error)),
      ),
    );
    if (signal.aborted) throw signal.reason;
  } finally {
    outer?.removeEventListener("abort", follow);
  }
}
