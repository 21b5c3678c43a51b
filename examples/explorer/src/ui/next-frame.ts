/**
 * Wraps work so that it runs once before the next frame, however often it is requested.
 * @param restMs milliseconds after the work before it runs again
 */
export function beforeNextFrame(work: () => void, restMs = 0): () => void {
  let requested = false;
  let readyAt = 0;
  const run = (): void => {
    requested = false;
    work();
    readyAt = performance.now() + restMs;
  };
  return () => {
    if (requested) return;
    requested = true;
    const wait = readyAt - performance.now();
    if (wait > 0) setTimeout(() => requestAnimationFrame(run), wait);
    else requestAnimationFrame(run);
  };
}
