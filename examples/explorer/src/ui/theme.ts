import { el, fill, setAttributes } from "./dom.js";
import { icon } from "./icons.js";

type Theme = "auto" | "dark" | "light";

const ORDER: readonly Theme[] = ["auto", "dark", "light"];
const KEY = "peekpack-theme";
const ICONS = { auto: "half", dark: "moon", light: "sun" } as const;
const NAMES = { auto: "as the system has it", dark: "dark", light: "light" } as const;

/** The system's own colors, which a user needs, are neither light nor dark by the page's choice. */
const FORCED = "(forced-colors: active)";

/** Calls a listener whenever colors of the page's style have changed. @returns what ends that */
export function onNewColors(listener: () => void): () => void {
  const theme = new MutationObserver(listener);
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const queries = ["(prefers-color-scheme: dark)", FORCED].map((query) => matchMedia(query));
  for (const query of queries) query.addEventListener("change", listener);
  return () => {
    theme.disconnect();
    for (const query of queries) query.removeEventListener("change", listener);
  };
}

/** Applies the theme that was chosen on an earlier visit. */
export function applyStoredTheme(): void {
  apply(stored());
  matchMedia(FORCED).addEventListener("change", () => apply(stored()));
}

/** A button that switches between the system's theme, dark and light. The choice is stored. */
export function themeButton(): HTMLElement {
  let theme = stored();
  const button = el("button", {
    class: "icon-button theme-button",
    attributes: { type: "button" },
    on: {
      click() {
        theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length]!;
        show();
        try {
          if (theme === "auto") localStorage.removeItem(KEY);
          else localStorage.setItem(KEY, theme);
        } catch {
          // Without storage the choice lasts as long as the page.
        }
      },
    },
  });
  function show(): void {
    apply(theme);
    const label = `Colors: ${NAMES[theme]}`;
    setAttributes(button, { title: label, "aria-label": label });
    fill(button, icon(ICONS[theme]));
  }
  show();
  return button;
}

function apply(theme: Theme): void {
  if (theme === "auto" || matchMedia(FORCED).matches) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function stored(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "dark" || theme === "light" ? theme : "auto";
  } catch {
    return "auto";
  }
}
