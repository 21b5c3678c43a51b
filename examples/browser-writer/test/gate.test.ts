import { describe, expect, it } from "vitest";
import { Gate } from "../src/write/gate.js";

describe("a gate", () => {
  it("holds those who ask while it is shut, also when it is shut again at once", async () => {
    const gate = new Gate();
    const { signal } = new AbortController();
    await gate.pass(signal);
    gate.close();
    let through = false;
    const passing = gate.pass(signal).then(() => {
      through = true;
    });
    gate.open();
    gate.close();
    await new Promise((resolve) => setTimeout(resolve));
    expect(through).toBe(false);
    gate.open();
    await passing;
  });

  it("lets those go who leave", async () => {
    const gate = new Gate();
    const controller = new AbortController();
    gate.close();
    const passing = gate.pass(controller.signal);
    const reason = new Error("left");
    controller.abort(reason);
    await expect(passing).rejects.toBe(reason);
  });
});
