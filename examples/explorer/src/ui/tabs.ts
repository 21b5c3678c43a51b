import { el, setAttributes } from "./dom.js";

export interface Tab<Name extends string> {
  readonly name: Name;
  readonly label: string;
}

/** Tabs above a panel, as the ARIA practices ask: the Tab key stops once, arrow keys move between tabs. */
export function tabs<Name extends string>(
  label: string,
  list: readonly Tab<Name>[],
  chosen: Name,
  choose: (name: Name) => void,
): HTMLElement {
  const buttons = list.map(({ name, label: text }) =>
    el("button", {
      class: "tab",
      text,
      attributes: { type: "button", role: "tab", "data-tab": name },
      on: { click: () => select(name) },
    }),
  );
  function select(name: Name): void {
    mark(name);
    choose(name);
  }
  function mark(name: Name): void {
    for (const [i, button] of buttons.entries()) {
      const current = list[i]!.name === name;
      setAttributes(button, { "aria-selected": current ? "true" : "false", tabindex: current ? 0 : -1 });
    }
  }
  mark(chosen);
  return el(
    "div",
    {
      class: "tabs",
      attributes: { role: "tablist", "aria-label": label },
      on: {
        keydown(event) {
          const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
          const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
          if (step === 0 || at < 0) return;
          const next = (at + step + buttons.length) % buttons.length;
          buttons[next]!.focus();
          select(list[next]!.name);
          event.preventDefault();
        },
      },
    },
    ...buttons,
  );
}
