/**
 * A session of WebDriver (W3C, "classic"), for the one browser here that speaks nothing else. The half dozen commands that
 * these tests need are a request each; the clients on npm either want a newer Node than this project does
 * (selenium-webdriver, webdriver) or are no longer kept.
 */
export interface WebDriverSession {
  /** What the driver says of its browser. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** The tab that it began with, which stays: without tabs the browser ends. */
  readonly first: string;
  /** Sends a command of the session: `post("url", { url })`. @throws Error with what the driver says */
  post(command: string, body: object): Promise<unknown>;
  /** As {@link post}, with DELETE. */
  remove(command: string): Promise<unknown>;
  /** Ends the session, and the browser with it. */
  end(): Promise<void>;
}

/** Begins a session, once the driver answers: within ten seconds. */
export async function beginSession(driver: string, capabilities: object): Promise<WebDriverSession> {
  const send = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${driver}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { value } = (await response.json()) as { value: unknown };
    if (response.ok) return value;
    const { error, message } = value as { readonly error: string; readonly message: string };
    throw new Error(`WebDriver: ${method} ${path}: ${error}: ${message}`);
  };
  for (let tries = 0; ; tries++) {
    try {
      await send("GET", "/status");
      break;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const begun = (await send("POST", "/session", { capabilities: { alwaysMatch: capabilities } })) as {
    readonly sessionId: string;
    readonly capabilities: Record<string, unknown>;
  };
  const session = `/session/${begun.sessionId}`;
  return {
    capabilities: begun.capabilities,
    first: (await send("GET", `${session}/window`)) as string,
    post: (command, body) => send("POST", `${session}/${command}`, body),
    remove: (command) => send("DELETE", `${session}/${command}`),
    end: async () => void (await send("DELETE", session)),
  };
}
