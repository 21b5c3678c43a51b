/** The address of an object that may expire, as presigned URLs do. */
export class FreshAddress {
  #url: string;
  #used = false;
  /** Asks for another address of the same object, when the server refuses the current one. Undefined: there is none. */
  ask: (() => Promise<string | undefined>) | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** The address, for `httpSource`: called at first, and again when the server refuses it. */
  readonly provide = async (): Promise<string> => {
    if (this.#used) this.#url = (await this.ask?.()) ?? this.#url;
    this.#used = true;
    return this.#url;
  };
}
