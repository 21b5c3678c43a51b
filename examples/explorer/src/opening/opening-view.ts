import type { Failure } from "../archive/failure.js";
import type { KeptRanges } from "../archive/kept-ranges.js";
import { type Place, type PublicPlace, placeName } from "../archive/place.js";
import { el, fill } from "../ui/dom.js";
import { type Field, field } from "../ui/fields.js";
import { icon } from "../ui/icons.js";
import { failureNotice } from "../ui/notice.js";
import { tabs } from "../ui/tabs.js";
import { byteField } from "./byte-field.js";
import { keptLine } from "./kept-line.js";

type Way = "url" | "s3" | "file";

const WAYS = [
  { name: "url", label: "URL" },
  { name: "s3", label: "S3" },
  { name: "file", label: "File" },
] as const satisfies readonly { name: Way; label: string }[];

/** The page before an archive is open: what this is, and where to find one. */
export class OpeningView {
  readonly element: HTMLElement;
  readonly #open: (place: Place) => void;
  readonly #art = byteField();
  readonly #switch: HTMLElement = el("div");
  readonly #form: HTMLElement = el("div", "opening-form");
  readonly #notice: HTMLElement = el("div", "opening-notice");
  readonly #url: Field;
  readonly #s3: { readonly [Name in "path" | "endpoint" | "region" | "id" | "secret" | "token"]: Field };
  #way: Way = "url";

  constructor(kept: KeptRanges, open: (place: Place) => void) {
    this.#open = open;
    this.#url = field("Address", {
      type: "url",
      name: "url",
      required: true,
      placeholder: "https://example.org/measurements.msgl",
      inputmode: "url",
    });
    this.#s3 = {
      path: field("Bucket and key", {
        name: "s3-path",
        required: true,
        placeholder: "bucket/path/to/archive.msgl",
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
            text: "Open an archive where it lies. Its table of contents is read, and then only the bytes of what you unfold: here, in this tab, from any server that answers ranges.",
          }),
          el(
            "p",
            "demo-line",
            "No archive at hand? ",
            el("button", {
              class: "text-button",
              text: "Try one that is made up",
              attributes: { type: "button" },
              on: { click: () => open({ kind: "demo" }) },
            }),
          ),
        ),
        el(
          "section",
          { class: "card", attributes: { "aria-label": "Open an archive" } },
          this.#switch,
          this.#form,
          this.#notice,
          keptLine(kept),
        ),
      ),
    );
    this.#show("url");
  }

  close(): void {
    this.#art.close();
  }

  /** Fills the form in for a place of which a link told all but the secrets. */
  ask(place: PublicPlace): void {
    this.#prefill(place);
    switch (place.kind) {
      case "url":
        this.#say(
          "The link was made from a presigned URL, whose signature is not in it. Paste an address of your own for this object.",
        );
        break;
      case "s3":
        this.#say(
          "The link names an object that was read with credentials, which are not in it. Enter yours.",
        );
        this.#s3.id.input.focus();
        break;
      case "file":
        this.#say(
          `The link names ${placeName(place)}, a file on somebody's computer. Choose it, if it is on this one.`,
        );
        break;
      case "demo":
        break;
    }
  }

  /** Says why opening has failed. What was typed is still there. */
  failed(failure: Failure, place: PublicPlace): void {
    if (this.#url.value === "" && this.#s3.path.value === "") this.#prefill(place);
    fill(this.#notice, failureNotice(failure));
  }

  #prefill(place: PublicPlace): void {
    if (place.kind === "demo") return;
    this.#show(place.kind);
    if (place.kind === "url") this.#url.input.value = place.url;
    if (place.kind === "s3") {
      this.#s3.path.input.value = place.path;
      this.#s3.endpoint.input.value = place.endpoint ?? "";
      this.#s3.region.input.value = place.region ?? "";
    }
  }

  #say(text: string): void {
    fill(this.#notice, el("p", { class: "notice plain", text, attributes: { role: "status" } }));
  }

  #show(way: Way): void {
    this.#way = way;
    fill(
      this.#switch,
      tabs("Where the archive lies", WAYS, way, (name) => this.#draw(name)),
    );
    this.#draw(way);
  }

  #draw(way: Way): void {
    this.#way = way;
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
              el("div", "pair", id.element, secret.element),
              token.element,
              el("p", {
                class: "hint",
                text: "Kept in this tab's memory only, to sign requests. Never stored, never in the address.",
              }),
            ),
            submit,
          ),
        file: () => this.#fileForm(),
      }[way](),
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
      el("span", { class: "hint", text: "It is read in place, by slices. Nothing is uploaded." }),
      input,
    );
  }

  #submit(): void {
    if (this.#way === "url") {
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
