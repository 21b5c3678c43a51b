import { type Address, addressName, type PublicAddress } from "../archive/address.js";
import type { BrowserCache } from "../archive/browser-cache.js";
import type { Failure } from "../archive/failure.js";
import { el, fill } from "../ui/dom.js";
import { type Field, field } from "../ui/fields.js";
import { icon } from "../ui/icons.js";
import { failureNotice } from "../ui/notice.js";
import { tabs } from "../ui/tabs.js";
import { byteField } from "./byte-field.js";
import { cacheLine } from "./cache-line.js";
import { oneNumber } from "./one-number.js";
import { recentArchives } from "./recent-archives.js";
import { samples } from "./samples.js";

type Method = "url" | "s3" | "file";

const METHODS = [
  { name: "url", label: "URL" },
  { name: "s3", label: "S3" },
  { name: "file", label: "File" },
] as const satisfies readonly { name: Method; label: string }[];

/** The page before an archive is open: what this page does, and the form to open an archive. */
export class OpeningView {
  readonly element: HTMLElement;
  readonly #open: (address: Address) => void;
  readonly #art = byteField();
  readonly #switch: HTMLElement = el("div");
  readonly #form: HTMLElement = el("div", "opening-form");
  readonly #notice: HTMLElement = el("div", "opening-notice");
  readonly #url: Field;
  readonly #s3: { readonly [Name in "path" | "endpoint" | "region" | "id" | "secret" | "token"]: Field };
  /** Warns of an endpoint that a link has chosen. */
  readonly #warning: HTMLElement = el("p", { class: "notice plain", attributes: { role: "alert" } });
  #linkedEndpoint: string | undefined;
  #method: Method = "url";

  constructor(cache: BrowserCache, open: (address: Address) => void) {
    this.#open = open;
    this.#url = field("Address", {
      type: "url",
      name: "url",
      required: true,
      placeholder: "https://example.org/measurements.msglc",
      inputmode: "url",
    });
    this.#s3 = {
      path: field("Bucket and key", {
        name: "s3-path",
        required: true,
        placeholder: "bucket/path/to/archive.msglc",
      }),
      endpoint: field("Endpoint", { type: "url", name: "s3-endpoint", placeholder: "AWS", inputmode: "url" }),
      region: field("Region", { name: "s3-region", placeholder: "us-east-1" }),
      id: field("Access key", { name: "s3-id", placeholder: "none: anonymous" }),
      secret: field("Secret key", { type: "password", name: "s3-secret", autocomplete: "off" }),
      token: field("Session token", {
        type: "password",
        name: "s3-token",
        placeholder: "optional",
        autocomplete: "off",
      }),
    };
    this.#s3.endpoint.input.addEventListener("input", () => this.#warn());
    this.element = el(
      "main",
      "opening",
      this.#art.element,
      el(
        "div",
        "opening-inner",
        el(
          "section",
          "pitch",
          el("h1", {}, "One number out of ", el("em", { text: "forty gigabytes." })),
          el("p", {
            class: "lead",
            text: "Open an archive where it is stored. This page reads its table of contents, and then only the bytes of what you unfold: in this tab, from any server that supports range requests.",
          }),
          oneNumber(),
          samples(open),
          recentArchives(),
        ),
        el(
          "section",
          { class: "card", attributes: { "aria-label": "Open an archive" } },
          this.#switch,
          this.#form,
          this.#notice,
          cacheLine(cache),
        ),
      ),
    );
    this.#warn();
    this.#show("url");
  }

  close(): void {
    this.#art.close();
  }

  /** Fills in the form from a link, and asks for what the link does not contain. */
  ask(address: PublicAddress): void {
    this.#prefill(address);
    switch (address.kind) {
      case "url":
        this.#say(
          "The link was made from a presigned URL and does not contain its signature. Paste an address of your own for this object.",
        );
        break;
      case "s3":
        this.#say(
          "The link names an object that was read with credentials. It does not contain them. Enter yours.",
        );
        this.#s3.id.input.focus();
        break;
      case "file":
        this.#say(
          `The link names ${addressName(address)}, a file on somebody's computer. If you have it, choose it.`,
        );
        break;
      case "demo":
        break;
    }
  }

  /** Shows why opening failed. The typed text stays. */
  failed(failure: Failure, address: PublicAddress): void {
    if (this.#url.value === "" && this.#s3.path.value === "") this.#prefill(address);
    fill(this.#notice, failureNotice(failure));
  }

  #prefill(address: PublicAddress): void {
    if (address.kind === "demo") return;
    this.#show(address.kind);
    if (address.kind === "url") this.#url.input.value = address.url;
    if (address.kind === "s3") {
      this.#s3.path.input.value = address.path;
      this.#s3.endpoint.input.value = address.endpoint ?? "";
      this.#s3.region.input.value = address.region ?? "";
      this.#linkedEndpoint = address.endpoint;
      this.#warn();
    }
  }

  /** Names the host that keys would be used with, if a link has chosen it. */
  #warn(): void {
    const endpoint = this.#s3.endpoint.value;
    const isLinked = endpoint !== "" && endpoint === this.#linkedEndpoint;
    this.#warning.hidden = !isLinked;
    if (!isLinked) return;
    const host = URL.canParse(endpoint) ? new URL(endpoint).host : endpoint;
    this.#warning.textContent = `The link has chosen the server ${host}. It receives requests that your keys sign, and your session token. Enter them only if you trust it.`;
  }

  #say(text: string): void {
    fill(this.#notice, el("p", { class: "notice plain", text, attributes: { role: "status" } }));
  }

  #show(method: Method): void {
    this.#method = method;
    fill(
      this.#switch,
      tabs("Where the archive is", METHODS, method, (name) => this.#draw(name)),
    );
    this.#draw(method);
  }

  #draw(method: Method): void {
    this.#method = method;
    fill(this.#notice);
    const submit = el("button", { class: "button primary", text: "Open", attributes: { type: "submit" } });
    const form = (...children: HTMLElement[]): HTMLElement =>
      el(
        "form",
        {
          class: "form",
          attributes: { autocomplete: "off" },
          on: {
            submit: (event) => {
              event.preventDefault();
              this.#submit();
            },
          },
        },
        ...children,
      );
    const { path, endpoint, region, id, secret, token } = this.#s3;
    fill(
      this.#form,
      {
        url: () =>
          form(
            this.#url.element,
            el("p", {
              class: "hint",
              text: "Public or presigned. The server must allow this page to read ranges (CORS).",
            }),
            submit,
          ),
        s3: () =>
          form(
            path.element,
            el("div", "pair", endpoint.element, region.element),
            el(
              "fieldset",
              "credentials",
              el("legend", { text: "Credentials" }),
              this.#warning,
              el("div", "pair", id.element, secret.element),
              token.element,
              el("p", {
                class: "hint",
                text: "Kept in this tab's memory only, to sign requests. Never stored, and never part of the page's address.",
              }),
            ),
            submit,
          ),
        file: () => this.#fileForm(),
      }[method](),
    );
  }

  #fileForm(): HTMLElement {
    const input = el("input", {
      attributes: { type: "file", name: "file", class: "file-input" },
      on: {
        change: () => {
          const file = input.files?.[0];
          if (file !== undefined) this.#open({ kind: "file", file });
        },
      },
    });
    input.className = "file-input";
    return el(
      "label",
      "drop",
      icon("file"),
      el(
        "span",
        "drop-text",
        "Drop a file anywhere on this page, or ",
        el("span", { class: "as-link", text: "choose one" }),
      ),
      el("span", { class: "hint", text: "It is read in slices on this computer. Nothing is uploaded." }),
      input,
    );
  }

  #submit(): void {
    if (this.#method === "url") {
      const { input, value } = this.#url;
      const valid = URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
      input.setCustomValidity(valid ? "" : "An address begins with https:// or http://");
      if (input.reportValidity()) this.#open({ kind: "url", url: new URL(value).href });
      return;
    }
    const { path, endpoint, region, id, secret, token } = this.#s3;
    const bare = path.value.replace(/^s3:\/\//, "");
    path.input.setCustomValidity(/^[^/]+\/./.test(bare) ? "" : "A bucket and a key: bucket/key");
    secret.input.setCustomValidity(
      id.value !== "" && secret.value === "" ? "The secret that belongs to the access key" : "",
    );
    if (!path.input.reportValidity() || !endpoint.input.reportValidity() || !secret.input.reportValidity())
      return;
    this.#open({
      kind: "s3",
      path: bare,
      endpoint: endpoint.value || undefined,
      region: region.value || undefined,
      credentials:
        id.value === ""
          ? undefined
          : {
              accessKeyId: id.value,
              secretAccessKey: secret.value,
              ...(token.value === "" ? {} : { sessionToken: token.value }),
            },
    });
  }
}
