/** The URL of the page or worker that runs this code. Undefined outside browsers. */
export function pageUrl(): { readonly href: string; readonly origin: string } | undefined {
  return globalThis.location;
}
