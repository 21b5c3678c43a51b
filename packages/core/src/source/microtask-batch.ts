/**
 * Yields to microtasks until `size` no longer grows, at most 64 times. Callers that wait for promises which are settled already
 * thereby join the batch. `size` returns the current number of callers, at least one.
 */
export async function batchComplete(size: () => number): Promise<void> {
  for (let round = 0, before = 0; before < size() && round < 16; round++) {
    before = size();
    for (let yields = 0; yields < 4; yields++) await undefined;
  }
}
