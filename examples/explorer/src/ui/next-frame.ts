/** Wraps work so that it runs once before the next frame, however often it is requested. */
export function beforeNextFrame(work: () => void): () => void {
  let requested = false;
  return () => {
    if (requested) return;
    requested = true;
    requestAnimationFrame(() => {
      requested = false;
      work();
    });
  };
}
