import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import type { AxeResults } from "axe-core";

/**
 * What axe finds wrong in a page, in light and dark: the rule, and the elements. Empty if nothing.
 * @param within a selector of the part that is checked. Default: the whole page
 */
export async function accessibilityViolations(page: Page, within?: string): Promise<readonly string[]> {
  // Evaluated through the DevTools protocol, which the page's policy does not apply to.
  await page.evaluate(await axeSource());
  const violations: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const found = await page.evaluate(
      (within) =>
        (window as unknown as { axe: { run(within: string): Promise<AxeResults> } }).axe.run(within),
      within ?? "html",
    );
    for (const { id, nodes } of found.violations) {
      violations.push(`${colorScheme}: ${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    }
  }
  return violations;
}

async function axeSource(): Promise<string> {
  const { source } = createRequire(import.meta.url)("axe-core") as { source: string };
  return source;
}
