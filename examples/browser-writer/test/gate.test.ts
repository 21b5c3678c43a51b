import { describe, expect, it } from "vitest";
import { Gate } from "../src/write/gate.js";

describe("a gate", () => {
  it("makes callers wait while it is closed, also if it is closed again at once", async () => {
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

  it("rejects a waiting caller after an abort", async () => {
    const gate = new Gate();
    const controller = new AbortController();
    gate.close();
    const passing = gate.pass(controller.signal);
    const reason = new Error("left");
    controller.abort(reason);
    await expect(passing).rejects.toBe(reason);
  });
});
