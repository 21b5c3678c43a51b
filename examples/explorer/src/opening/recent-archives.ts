import { addressName, addressText, type PublicAddress } from "../archive/address.js";
import { readLink, writeLink } from "../share/link.js";
import { el } from "../ui/dom.js";

const KEY = "peekpack-recent";
const MAX_ARCHIVES = 6;

/**
 * Records an archive that was opened, without anything secret. Files and generated archives are left out, and what the page's own
 * server serves: the address of `peekpack explore` holds a token.
 */
export function rememberArchive(address: PublicAddress): void {
  if (address.kind === "file" || address.kind === "demo") return;
  if (address.kind === "url" && new URL(address.url).origin === location.origin) return;
  const link = writeLink({ address, path: "", query: undefined, view: {} });
  store([link, ...recentLinks().filter((other) => other !== link)].slice(0, MAX_ARCHIVES));
}

/** The archives that were opened last, as links, with a button that forgets them. Undefined if there are none. */
export function recentArchives(): HTMLElement | undefined {
  const links = recentLinks();
  if (links.length === 0) return undefined;
  const list: HTMLElement = el(
    "nav",
    { class: "recent", attributes: { "aria-label": "Recent archives" } },
    el(
      "p",
      "demo-line",
      "Recent archives. ",
      el("button", {
        class: "text-button",
        text: "Forget them",
        attributes: { type: "button" },
        on: {
          click: () => {
            store([]);
            list.remove();
          },
        },
      }),
    ),
    el(
      "ul",
      {},
      ...links.map((link) => {
        const { address } = readLink(link)!;
        return el(
          "li",
          {},
          el("a", { text: addressName(address), attributes: { href: link } }),
          el("span", { class: "hint", text: addressText(address) }),
        );
      }),
    ),
  );
  return list;
}

/** Links that can be read. What is stored may be of another version, or not readable at all. */
function recentLinks(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    if (!Array.isArray(stored)) return [];
    return stored.filter((link): link is string => typeof link === "string" && readLink(link) !== undefined);
  } catch {
    return [];
  }
}

function store(links: readonly string[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(links));
  } catch {
    // The browser stores nothing for this page.
  }
}
