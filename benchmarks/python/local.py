"""Jobs of msglc on archive files. Input values are decoded from the MessagePack data that other contestants use."""

import os
import shutil

import msgpack
from msglc import FileInfo, append, combine, dump
from msglc.codec import CBORCodec, MsgpackCodec
from msglc.reader import LazyReader, to_obj

CODECS = {"msgpack": MsgpackCodec, "cbor": CBORCodec}


def load(file):
    with open(file, "rb") as stream:
        return msgpack.unpackb(stream.read(), strict_map_key=False)


def encode(data, target, codec, backend):
    value = load(data)
    packer = CODECS[codec]
    return {
        "run": lambda _: dump(target, value, backend=backend, packer=packer),
        "after": lambda _: {"bytes": os.path.getsize(target)},
    }


def decode(file):
    def run(_):
        with LazyReader(file) as reader:
            return to_obj(reader)

    return {"run": run, "facts": {"bytes": os.path.getsize(file)}}


def repack(file, target, codec, backend):
    packer = CODECS[codec]

    def run(_):
        with LazyReader(file) as reader:
            dump(target, reader, backend=backend, packer=packer)

    return {"run": run, "after": lambda _: {"bytes": os.path.getsize(target)}}


def combine_files(children, target, codec, backend):
    packer = CODECS[codec]

    def run(_):
        combine(
            target,
            [FileInfo(child["file"], child["name"]) for child in children],
            packer=packer,
            backend=backend,
        )

    return {"run": run, "after": lambda _: {"bytes": os.path.getsize(target)}}


def append_file(old, child, target, codec, backend):
    packer = CODECS[codec]
    return {
        "before": lambda _: shutil.copyfile(old, target),
        "run": lambda _: append(target, [FileInfo(child, "added")], packer=packer, backend=backend),
        "after": lambda _: {"bytes": os.path.getsize(target)},
    }
