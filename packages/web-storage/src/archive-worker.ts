/**
 * Entry of the worker of `workerArchive`. It contains no code that a chunk could import: WebKit evaluates the entry of a
 * worker a second time, as another module, when a chunk imports from it (seen in WebKitGTK 2.50), and bundlers put code that an
 * entry shares with chunks into the entry.
 */
async function start(): Promise<void> {
  const early: MessageEvent[] = [];
  const keep = (event: Event): void => {
    early.push(event as MessageEvent);
  };
  addEventListener("message", keep);
  const { serveOpenings } = await import("./archive-service.js");
  removeEventListener("message", keep);
  serveOpenings();
  for (const event of early) dispatchEvent(event);
}

// The page receives an `error` event, and rejects with `network`.
start().catch(reportError);

export {};
