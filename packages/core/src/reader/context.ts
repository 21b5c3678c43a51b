import type { Codec, Decoder, MapStyle } from "../codec/codec.js";
import { msgpackDecoder } from "../codec/msgpack.js";
import { PeekpackError } from "../errors.js";
import type { Protocol } from "../format/header.js";
import type { Limits } from "../limits.js";
import { loadFeature } from "../load-feature.js";
import type { ByteLru } from "../lru.js";
import { mayHoldNumpyPickle } from "../pickle-sniff.js";
import type { AbortListeners } from "../source/abort-listeners.js";
import type { RangeSource } from "../source/range-source.js";

/** What an archive shares with the archives inside it. */
export interface ReaderContext {
  readonly source: RangeSource;
  readonly limits: Limits;
  readonly maps: MapStyle;
  /** Whether byte strings that are pickled numpy arrays become `NdArray`s. */
  readonly numpy: boolean;
  /** Decodes values in archives of its protocol. */
  readonly codec: Codec | undefined;
  readonly decoders: Map<Protocol, Promise<Decoder>>;
  /** What lookups learn of tables, pages of tables, and child archives that are open: one budget for the whole reader. */
  readonly memory: ByteLru<string, object>;
  readonly lifetime: Lifetime;
  /** One listener on each signal, however many reads wait for it. */
  readonly abortListeners: AbortListeners;
}

/** Whether an archive is open. States before and after a reopening share it. */
export interface Lifetime {
  closed: boolean;
}

/** @throws PeekpackError `closed` */
export function assertOpen({ lifetime }: ReaderContext): void {
  if (lifetime.closed) throw new PeekpackError("closed", "This archive is closed.");
}

/**
 * The decoder for archives of a protocol. The code for CBOR is loaded when the first such archive is opened.
 * @throws PeekpackError `network` if it cannot be loaded
 */
export function decoderFor(context: ReaderContext, protocol: Protocol): Promise<Decoder> {
  const { decoders, codec } = context;
  let decoder = decoders.get(protocol);
  if (decoder === undefined) {
    const builtIn =
      protocol === "msgpack"
        ? Promise.resolve(msgpackDecoder())
        : loadFeature("CBOR", () => import("../codec/cbor.js")).then(({ cborDecoder }) => cborDecoder());
    decoder = builtIn.then((base) => (codec === undefined ? base : withCodec(base, codec)));
    decoders.set(protocol, decoder);
    decoder.catch(() => decoders.delete(protocol));
  }
  return decoder;
}

/** Lets a custom codec decode, after the built-in decoder has checked the bytes. */
function withCodec(base: Decoder, codec: Codec): Decoder {
  const decode = codec.decode?.bind(codec);
  if (decode === undefined || codec.protocol !== base.protocol) return base;
  return {
    protocol: base.protocol,
    cursor: (bytes) => base.cursor(bytes),
    check: (bytes, limits, count) => base.check(bytes, limits, count),
    decode(bytes, count, options) {
      base.check(bytes, options.limits, count);
      const values = decode(bytes, count, options);
      if (values.length !== count)
        throw new TypeError(`The codec decoded ${values.length} items of ${count}.`);
      return { values, hasPickles: options.numpy === true && mayHoldNumpyPickle(bytes) };
    },
  };
}
