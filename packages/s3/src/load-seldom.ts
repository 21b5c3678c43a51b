/** Loads what is seldom needed. It rejects where a page cannot load its own chunks, as when it is offline. */
export const seldom = (): Promise<typeof import("./seldom.js")> => import("./seldom.js");
