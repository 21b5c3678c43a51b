/**
 * Entry of the worker in which `workerArchive` reads and decodes. It holds nothing that a chunk could import: WebKit
 * evaluates the entry of a worker a second time, as another module, when something imports it (seen in WebKitGTK 2.50),
 * and bundlers have chunks import what they share with an entry from there.
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

// Whoever made the worker learns of it by an error event.
start().catch(reportError);

export {};
