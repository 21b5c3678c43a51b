import { el, fill, setAttributes } from "./dom.js";
import { icon } from "./icons.js";

type Theme = "auto" | "dark" | "light";

const ORDER: readonly Theme[] = ["auto", "dark", "light"];
const KEY = "peekpack-theme";
const ICONS = { auto: "half", dark: "moon", light: "sun" } as const;
const NAMES = { auto: "as the system has it", dark: "dark", light: "light" } as const;

/** Puts the page into the theme that was chosen before. */
export function applyStoredTheme(): void {
  apply(stored());
}

/** Goes through the system's theme, dark and light. The choice is kept; it is all that is. */
export function themeButton(): HTMLElement {
  let theme = stored();
  const button = el("button", {
    class: "icon-button",
    attributes: { type: "button" },
    on: {
      click() {
        theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length]!;
        show();
        try {
          if (theme === "auto") localStorage.removeItem(KEY);
          else localStorage.setItem(KEY, theme);
        } catch {
          // Without storage it holds until the page is left.
        }
      },
    },
  });
  function show(): void {
    apply(theme);
    const label = `Colours: ${NAMES[theme]}`;
    setAttributes(button, { title: label, "aria-label": label });
    fill(button, icon(ICONS[theme]));
  }
  show();
  return button;
}

function apply(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
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
