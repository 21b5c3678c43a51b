import { el, fill } from "@peekpack/explorer/ui/dom";
import { type Field, field } from "@peekpack/explorer/ui/fields";
import { tabs } from "@peekpack/explorer/ui/tabs";
import type { PutMode } from "@peekpack/s3";
import type { Destination, Recalled } from "../destination/destination.js";
import { lookForService } from "../destination/signing-service.js";
import { choice } from "./choice.js";

type Way = Destination["kind"];

const WAYS = [
  { name: "presigned", label: "Presigned" },
  { name: "signed", label: "With keys" },
] as const satisfies readonly { name: Way; label: string }[];

/** Where a server of this page's own would sign. */
const OWN_SERVICE = "presign";

/** Asks where to write to. What is typed here stays in the page's memory. */
export class DestinationChoice {
  readonly element: HTMLElement;
  readonly #switch: HTMLElement = el("div");
  readonly #panel: HTMLElement = el("div", "choice-panel");
  readonly #path: Field;
  readonly #service: Field;
  readonly #keys: { readonly [Name in "endpoint" | "region" | "id" | "secret" | "token"]: Field };
  readonly #put = choice<"create" | "overwrite">("If there is one already", "put", [
    ["create", "Leave it, and fail"],
    ["overwrite", "Replace it"],
  ]);
  readonly #found: HTMLElement = el("p", {
    class: "hint",
    text: "Your server, which gives a URL for each request. The page never sees a key.",
    attributes: { role: "status" },
  });
  readonly #recalled: (Recalled & { readonly put: PutMode }) | undefined;
  #way: Way = "presigned";
  #bucket: string | undefined;
  #suggested = "";

  /** With what an earlier page has written down, only the credentials are asked for. */
  constructor(recalled?: Recalled & { readonly put: PutMode }) {
    this.#recalled = recalled;
    this.#path = field("Bucket and key", {
      name: "path",
      required: true,
      placeholder: "bucket/path/to/archive.msgl",
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
      { class: "step", attributes: { "aria-label": "Where it goes" } },
      el("h2", { class: "step-name", text: recalled === undefined ? "Where" : "Keys" }),
      this.#switch,
      this.#panel,
    );
    if (recalled === undefined) {
      this.#show("presigned");
      void this.#look();
    } else {
      this.#path.input.value = recalled.path;
      this.#draw("signed");
      if (recalled.kind === "signed") this.#keys.endpoint.input.value = recalled.endpoint ?? "";
    }
  }

  /** Proposes a key, as long as nobody has typed one. */
  suggest(name: string): void {
    const { input } = this.#path;
    if (input.value !== this.#suggested) return;
    // Another one every time, as existing objects are left alone.
    const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
    this.#suggested = this.#bucket === undefined ? "" : `${this.#bucket}/${name}-${stamp}.msgl`;
    input.value = this.#suggested;
  }

  /** The destination, or undefined where something is missing, which is then said. */
  take(): Destination | undefined {
    const path = this.#path.value.replace(/^s3:\/\//, "");
    this.#path.input.setCustomValidity(
      /^[A-Za-z0-9][\w.-]+\/./.test(path) ? "" : "A bucket and a key: bucket/key",
    );
    const put = this.#recalled?.put ?? this.#put.value;
    if (this.#way === "presigned") {
      const { input, value: service } = this.#service;
      input.setCustomValidity(URL.canParse(service, location.href) ? "" : "The address of a service");
      if (!valid(this.#service, this.#path)) return undefined;
      return { kind: "presigned", service, path, put };
    }
    const { endpoint, region, id, secret, token } = this.#keys;
    endpoint.input.setCustomValidity(
      endpoint.value === "" || isHost(endpoint.value)
        ? ""
        : "An address as https://s3.example.org, with nothing behind the host",
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

  focus(): void {
    this.#keys.id.input.focus();
  }

  async #look(): Promise<void> {
    const found = await lookForService(OWN_SERVICE);
    if (found === undefined) {
      // Whoever has begun to type knows better.
      if (this.#service.value === "" && this.#path.value === "") this.#show("signed");
      return;
    }
    this.#bucket = found.bucket;
    if (this.#service.value === "") this.#service.input.value = OWN_SERVICE;
    this.#found.textContent = `This page's own server signs each request for ${found.bucket}, and the page never sees a key. S3 is ${found.server}.`;
    this.suggest("night-sky");
  }

  #show(way: Way): void {
    fill(
      this.#switch,
      tabs("Who signs", WAYS, way, (name) => this.#draw(name)),
    );
    this.#draw(way);
  }

  #draw(way: Way): void {
    this.#way = way;
    if (way === "presigned") {
      fill(
        this.#panel,
        this.#path.element,
        el("div", "pair", this.#service.element, this.#put.element),
        this.#found,
      );
      return;
    }
    const { endpoint, region, id, secret, token } = this.#keys;
    const known = this.#recalled !== undefined;
    fill(
      this.#panel,
      !known && this.#path.element,
      !known && el("div", "pair", endpoint.element, this.#put.element),
      el("div", "pair", id.element, secret.element),
      el("div", "pair", region.element, token.element),
      el("p", {
        class: "hint",
        text: "Kept in this tab's memory only, to sign requests. Never stored, never in an address.",
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
