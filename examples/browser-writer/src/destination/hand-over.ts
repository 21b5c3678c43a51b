const TIMEOUT_MS = 60_000;

/**
 * Opens the explorer in a new tab, and gives it an archive. The URL is sent as a message to the explorer's origin when its page is
 * ready. So a presigned URL is not part of an address.
 * @param link makes the URL
 */
export function openInExplorer(explorer: string, link: () => Promise<string>): void {
  const page = new URL(explorer, location.href);
  const { origin } = page;
  page.hash = `from=${location.origin}`;
  const tab = window.open(page);
  if (tab === null) return;
  const give = async ({ source, origin: sender, data }: MessageEvent<unknown>): Promise<void> => {
    if (source !== tab || sender !== origin) return;
    if ((data as { explorer?: unknown } | null)?.explorer !== "ready") return;
    end();
    tab.postMessage({ archive: await link() }, origin);
  };
  const end = (): void => {
    clearTimeout(timer);
    removeEventListener("message", give);
  };
  const timer = setTimeout(end, TIMEOUT_MS);
  addEventListener("message", give);
}
