/**
 * A session of classic WebDriver (W3C), the only protocol of WebKitGTK. The tests need six commands. The clients on npm need
 * a newer Node than this project (selenium-webdriver, webdriver) or are unmaintained.
 */
export interface WebDriverSession {
  /** Capabilities of the browser. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** The first tab. It stays open: the browser ends with its last tab. */
  readonly first: string;
  /** Sends a command: `post("url", { url })`. @throws Error with the message of the driver */
  post(command: string, body: object): Promise<unknown>;
  /** Sends a DELETE command. */
  remove(command: string): Promise<unknown>;
  /** Ends the session and the browser. */
  end(): Promise<void>;
}

/** Waits up to ten seconds for the driver, and starts a session. */
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
