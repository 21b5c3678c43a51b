import { el, fill } from "@peekpack/explorer/ui/dom";
import { type Field, field } from "@peekpack/explorer/ui/fields";
import { tabs } from "@peekpack/explorer/ui/tabs";
import type { PutMode } from "@peekpack/s3";
import type { Destination, ParsedLabel } from "../destination/destination.js";
import { findService, OWN_SERVICE } from "../destination/signing-service.js";
import { choice } from "./choice.js";

type Method = Destination["kind"];

const METHODS = [
  { name: "presigned", label: "Presigned" },
  { name: "signed", label: "With keys" },
] as const satisfies readonly { name: Method; label: string }[];

/** The form for the destination. Its content stays in the memory of the page. */
export class DestinationChoice {
  readonly element: HTMLElement;
  readonly #switch: HTMLElement = el("div");
  readonly #panel: HTMLElement = el("div", "choice-panel");
  readonly #path: Field;
  readonly #service: Field;
  readonly #keys: { readonly [Name in "endpoint" | "region" | "id" | "secret" | "token"]: Field };
  readonly #put = choice<"create" | "overwrite">("If the object exists", "put", [
    ["create", "Ask"],
    ["overwrite", "Replace it"],
  ]);
  readonly #found: HTMLElement = el("p", {
    class: "hint",
    text: "Your server signs a URL for each request. The page never has a key.",
    attributes: { role: "status" },
  });
  readonly #parsed: (ParsedLabel & { readonly put: PutMode }) | undefined;
  #method: Method = "presigned";
  #bucket: string | undefined;
  #suggested = "";

  /** @param parsed the destination of a pending upload: only the credentials are asked for */
  constructor(parsed?: ParsedLabel & { readonly put: PutMode }) {
    this.#parsed = parsed;
    this.#path = field("Bucket and key", {
      name: "path",
      required: true,
      placeholder: "bucket/path/to/archive.msglc",
    });
    this.#service = field("Signing service", {
      name: "service",
      required: true,
      placeholder: "https://example.org/presign",
      inputmode: "url",
    });
    this.#keys = {
      endpoint: field("Endpoint", {
        type: "url",
        name: "endpoint",
        placeholder: "AWS",
        inputmode: "url",
      }),
      region: field("Region", { name: "region", placeholder: "us-east-1" }),
      id: field("Access key", { name: "key-id", required: true }),
      secret: field("Secret key", { type: "password", name: "secret", required: true }),
      token: field("Session token", { type: "password", name: "token", placeholder: "optional" }),
    };
    this.element = el(
      "section",
      { class: "step", attributes: { "aria-label": "Destination" } },
      el("h2", { class: "step-name", text: parsed === undefined ? "Where" : "Keys" }),
      this.#switch,
      this.#panel,
    );
    if (parsed === undefined) {
      this.#show("presigned");
      void this.#findService();
    } else {
      this.#path.input.value = parsed.path;
      this.#draw("signed");
      if (parsed.kind === "signed") this.#keys.endpoint.input.value = parsed.endpoint ?? "";
    }
  }

  /** Suggests a key, unless one was entered. */
  suggest(name: string): void {
    const { input } = this.#path;
    if (input.value !== this.#suggested) return;
    // A new key every time, because existing objects are not replaced.
    const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
    this.#suggested = this.#bucket === undefined ? "" : `${this.#bucket}/${name}-${stamp}.msglc`;
    input.value = this.#suggested;
  }

  /** The destination. If something is missing, shows a message and returns undefined. */
  take(): Destination | undefined {
    const path = this.#path.value.replace(/^s3:\/\//, "");
    this.#path.input.setCustomValidity(
      /^[A-Za-z0-9][\w.-]+\/./.test(path) ? "" : "A bucket and a key: bucket/key",
    );
    const put = this.#parsed?.put ?? this.#put.value;
    if (this.#method === "presigned") {
      const { input, value: service } = this.#service;
      input.setCustomValidity(URL.canParse(service, location.href) ? "" : "The URL of a service");
      if (!valid(this.#service, this.#path)) return undefined;
      return { kind: "presigned", service, path, put };
    }
    const { endpoint, region, id, secret, token } = this.#keys;
    endpoint.input.setCustomValidity(
      endpoint.value === "" || isHost(endpoint.value)
        ? ""
        : "A URL like https://s3.example.org, with nothing after the host",
    );
    if (!valid(this.#path, endpoint, region, id, secret)) return undefined;
    return {
      kind: "signed",
      endpoint: endpoint.value === "" ? undefined : new URL(endpoint.value).origin,
      region: region.value || undefined,
      path,
      put,
      credentials: {
        accessKeyId: id.value,
        secretAccessKey: secret.value,
        ...(token.value === "" ? {} : { sessionToken: token.value }),
      },
    };
  }

  /** Replaces the key, which was chosen elsewhere. */
  setPath(path: string): void {
    this.#path.input.value = path;
  }

  focus(): void {
    this.#keys.id.input.focus();
  }

  async #findService(): Promise<void> {
    const found = await findService(OWN_SERVICE);
    if (found === undefined) {
      // Text that was entered is not replaced.
      if (this.#service.value === "" && this.#path.value === "") this.#show("signed");
      return;
    }
    this.#bucket = found.bucket;
    if (this.#service.value === "") this.#service.input.value = OWN_SERVICE;
    this.#found.textContent = `This page's own server signs each request for ${found.bucket}. The page never has a key. S3 is ${found.server}.`;
    this.suggest("night-sky");
  }

  #show(method: Method): void {
    fill(
      this.#switch,
      tabs("Who signs", METHODS, method, (name) => this.#draw(name)),
    );
    this.#draw(method);
  }

  #draw(method: Method): void {
    this.#method = method;
    if (method === "presigned") {
      fill(
        this.#panel,
        this.#path.element,
        el("div", "pair", this.#service.element, this.#put.element),
        this.#found,
      );
      return;
    }
    const { endpoint, region, id, secret, token } = this.#keys;
    const known = this.#parsed !== undefined;
    fill(
      this.#panel,
      !known && this.#path.element,
      !known && el("div", "pair", endpoint.element, this.#put.element),
      el("div", "pair", id.element, secret.element),
      el("div", "pair", region.element, token.element),
      el("p", {
        class: "hint",
        text: "Kept in this tab's memory only, to sign requests. Never stored, and never part of an address.",
      }),
    );
  }
}

function valid(...fields: readonly Field[]): boolean {
  return fields.every(({ input }) => input.reportValidity());
}

function isHost(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, hash, username } = new URL(text);
  return /^https?:$/.test(protocol) && pathname === "/" && search + hash + username === "";
}
