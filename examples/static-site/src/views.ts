import type { Value } from "@peekpack/core";

/** What browser-compat-data has at `__compat`, as far as the page shows it. */
export interface Feature {
  readonly description?: string;
  readonly mdn_url?: string;
  readonly support: Readonly<Record<string, Value>>;
}

/** Whether a value is a {@link Feature}. */
export function isFeature(value: unknown): value is Feature {
  const support = (value as Feature | null)?.support;
  return typeof support === "object" && support !== null;
}

function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

/** A link to a path. */
export function link(path: readonly string[], text: string): HTMLAnchorElement {
  const made = element("a", text);
  made.href = `#/${path.map(encodeURIComponent).join("/")}`;
  return made;
}

/** Links to what is below a path. */
export function keyList(path: readonly string[], keys: readonly string[]): HTMLElement {
  return element("ul", ...keys.map((key) => element("li", link([...path, key], key))));
}

/** A value as JSON. */
export function valueView(value: Value): HTMLElement {
  const text = JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner), 2);
  return element("pre", text ?? String(value));
}

/** Which browsers support a feature. */
export function featureView(feature: Feature, names: ReadonlyMap<string, string>): readonly HTMLElement[] {
  const views: HTMLElement[] = [];
  if (feature.description) views.push(element("p", plainText(feature.description)));
  if (feature.mdn_url?.startsWith("https://")) {
    const documentation = element("a", "Documentation on MDN");
    documentation.href = feature.mdn_url;
    views.push(element("p", documentation));
  }
  const rows = Object.entries(feature.support).map(([browser, support]) => {
    const name = element("th", names.get(browser) ?? browser);
    name.scope = "row";
    return element("tr", name, element("td", sinceWhen(support)));
  });
  views.push(element("table", element("caption", "Supported since version"), element("tbody", ...rows)));
  return views;
}

/** Descriptions contain simple HTML. */
const plainText = (html: string): string =>
  new DOMParser().parseFromString(html, "text/html").body.textContent ?? "";

/** The version of the newest statement of support. */
function sinceWhen(support: Value): string {
  const [newest] = [support].flat() as { version_added?: Value; version_removed?: Value }[];
  const { version_added: added, version_removed: removed } = newest ?? {};
  if (added === false || added === undefined || added === null) return "no";
  return removed === undefined ? String(added) : `${String(added)}, removed in ${String(removed)}`;
}
