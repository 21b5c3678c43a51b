"""
A live msglc that does what it is told: one request a line on standard input, one answer a line on standard output, both
JSON. Values stand in the notation of testing/fixtures/README.md. What lies on S3 is reached through s3fs; the endpoint
and the credentials come in the environment.
"""

import base64
import io
import json
import os
import sys
from importlib.metadata import PackageNotFoundError, version

from msglc import FileInfo, append, combine, dump
from msglc.codec import CBORCodec, MsgpackCodec, MsgspecCodec
from msglc.config import configure
from msglc.reader import LazyDict, LazyList, LazyReader, to_obj

from tagged import from_tagged, to_tagged

CODECS = {"msgpack": MsgpackCodec, "msgspec": MsgspecCodec, "cbor": CBORCodec}
PACKAGES = ("msglc", "msgpack", "cbor2", "numpy", "s3fs", "msgspec")


def versions():
    found = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pass
    return found


class Places:
    """Where archives lie: {"file": path} or {"s3": "bucket/key"}."""

    def __init__(self):
        self._s3 = None

    def resolve(self, place):
        """The path and the file system that msglc takes for a place."""
        if "file" in place:
            return place["file"], None
        if self._s3 is None:
            import s3fs

            self._s3 = s3fs.S3FileSystem(
                key=os.environ["PEEKPACK_S3_ACCESS_KEY_ID"],
                secret=os.environ["PEEKPACK_S3_SECRET_ACCESS_KEY"],
                client_kwargs={
                    "endpoint_url": os.environ["PEEKPACK_S3_ENDPOINT"],
                    "region_name": os.environ["PEEKPACK_S3_REGION"],
                },
                # Others write into the same bucket.
                use_listings_cache=False,
                skip_instance_cache=True,
            )
        return place["s3"], self._s3


def settings(request):
    """Sets what decides how an archive is written or read; all of it, since msglc keeps it from call to call."""
    configure(
        small_obj_optimization_threshold=request.get("threshold", 8192),
        trivial_size=request.get("trivial", 20),
    )
    # The one lowers or raises the other: the second call sets what the first one moved.
    configure(
        small_obj_optimization_threshold=request.get("threshold", 8192),
        trivial_size=request.get("trivial", 20),
        numpy_encoder=request.get("numpyEncoder", False),
        numpy_fast_int_pack=request.get("numpyFastIntPack", False),
        fast_loading=request.get("fastLoading", True),
    )


class Peer:
    def __init__(self):
        self._places = Places()

    def versions(self, _request):
        return versions()

    def write(self, request):
        settings(request)
        codec = request["codec"]
        value = from_tagged(request["value"], codec)
        backend = request.get("backend", "python")
        path, fs = self._places.resolve(request["target"])
        if backend == "rust" and fs is None:
            dump(path, value, backend=backend, packer=CODECS[codec])
        else:
            dump(path, value, backend=backend, packer=CODECS[codec], fs=fs)

    def encode(self, request):
        settings(request)
        codec = request["codec"]
        stream = io.BytesIO()
        dump(stream, from_tagged(request["value"], codec), packer=CODECS[codec])
        return base64.b64encode(stream.getvalue()).decode()

    def read(self, request):
        settings(request)
        path, fs = self._places.resolve(request["source"])
        answers = []
        unpacker = CODECS[request["codec"]] if "codec" in request else None
        with LazyReader(path, fs=fs, unpacker=unpacker, cached=request.get("cached", True)) as reader:
            for place in request["paths"]:
                where = place if isinstance(place, str) else [from_tagged(step) for step in place]
                try:
                    value = reader.read(where) if len(where) > 0 else reader.read()
                    if isinstance(value, (LazyReader, LazyDict, LazyList)):
                        value = to_obj(value)
                    answers.append({"value": to_tagged(value)})
                except Exception as error:
                    answers.append({"error": f"{type(error).__name__}: {error}"})
        return answers

    def _children(self, request):
        for child in request["children"]:
            name = child.get("name")
            if "value" in child:
                yield FileInfo(None, name, obj=from_tagged(child["value"], request["codec"]))
            else:
                path, fs = self._places.resolve(child["source"])
                yield FileInfo(path, name, fs=fs)

    def _join(self, join, request):
        settings(request)
        path, fs = self._places.resolve(request["target"])
        backend = request.get("backend", "python")
        join(path, list(self._children(request)), packer=CODECS[request["codec"]], fs=fs, backend=backend)

    def combine(self, request):
        self._join(combine, request)

    def append(self, request):
        self._join(append, request)


def main():
    # Nothing but answers may reach the pipe, whatever a library prints.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"answer": getattr(peer, request["do"])(request)}
        except Exception as error:
            answer = {"error": {"type": type(error).__name__, "message": str(error)}}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
