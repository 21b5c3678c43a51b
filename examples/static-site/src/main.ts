/** Shows what the archive beside the page has at the path in the address: `#/css/properties/grid`. */
import { type Archive, LazyList, LazyMap, openArchive, type Value } from "@peekpack/core";
import { featureView, isFeature, keyList, link, valueView } from "./views.js";

const traffic = document.getElementById("traffic")!;
const trail = document.getElementById("trail")!;
const content = document.getElementById("content")!;

const fail = (error: unknown): void => {
  const message = document.createElement("p");
  message.role = "alert";
  message.textContent = error instanceof Error ? error.message : String(error);
  content.replaceChildren(message);
};

/** The view of what is at a path. Reads the keys of a container, and one feature, not what is below. */
async function viewOf(
  archive: Archive,
  path: readonly string[],
  signal: AbortSignal,
): Promise<readonly Node[]> {
  const value = await archive.get(path, { signal });
  if (value instanceof LazyList) return [valueView(await archive.read(path, { signal }))];
  const entries = value instanceof LazyMap ? await value.keys({ signal }).toArray() : keysOf(value);
  if (entries === undefined) return [valueView(value as Value)];
  const keys = entries.map(String);
  const views: Node[] = [];
  if (keys.includes("__compat")) {
    const feature = await archive.read([...path, "__compat"], { signal });
    if (isFeature(feature)) {
      const browsers = Object.keys(feature.support);
      const names = await archive.readMany(
        browsers.map((browser) => ["browsers", browser, "name"]),
        { signal },
      );
      views.push(...featureView(feature, new Map(browsers.map((browser, i) => [browser, String(names[i])]))));
    }
  }
  const below = keys.filter((key) => key !== "__compat");
  if (below.length > 0) views.push(keyList(path, below));
  return views;
}

function keysOf(value: unknown): readonly string[] | undefined {
  const isMap =
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isMap ? Object.keys(value) : undefined;
}

const pathOf = (hash: string): readonly string[] =>
  hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter((segment) => segment !== "")
    .map(decodeURIComponent);

let current = new AbortController();

async function show(archive: Archive): Promise<void> {
  // A newer address ends what is read for the older.
  current.abort();
  current = new AbortController();
  const { signal } = current;
  try {
    const path = pathOf(location.hash);
    const crumbs = path.map((key, depth) => link(path.slice(0, depth + 1), key));
    trail.replaceChildren(link([], "All"), ...crumbs.flatMap((crumb) => [" / ", crumb]));
    const views = await viewOf(archive, path, signal);
    signal.throwIfAborted();
    content.replaceChildren(...views);
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
  const { requests, bytes } = archive.stats;
  const size = (archive.info.size / 1e6).toFixed(1);
  traffic.textContent = `You read ${Math.round(bytes / 1e3)} kB of ${size} MB in ${requests} requests.`;
}

try {
  const archive = await openArchive(new URL("browser-compat-data.msglc", document.baseURI));
  addEventListener("hashchange", () => void show(archive));
  await show(archive);
} catch (error) {
  traffic.textContent = "The archive could not be opened.";
  fail(error);
}
