"""
Runs msglc on request. Requests and responses are JSON, one per line, on standard input and output. Values use the tagged
notation of testing/fixtures/README.md. Archives on S3 are accessed by s3fs; endpoint and credentials come from the
environment.
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


class Locations:
    """Resolves locations: {"file": path} or {"s3": "bucket/key"}."""

    def __init__(self):
        self._s3 = None

    def resolve(self, location):
        """The path and the file system of a location."""
        if "file" in location:
            return location["file"], None
        if self._s3 is None:
            import s3fs

            self._s3 = s3fs.S3FileSystem(
                key=os.environ["PEEKPACK_S3_ACCESS_KEY_ID"],
                secret=os.environ["PEEKPACK_S3_SECRET_ACCESS_KEY"],
                client_kwargs={
                    "endpoint_url": os.environ["PEEKPACK_S3_ENDPOINT"],
                    "region_name": os.environ["PEEKPACK_S3_REGION"],
                },
                # Other processes write to the same bucket.
                use_listings_cache=False,
                skip_instance_cache=True,
            )
        return location["s3"], self._s3


def settings(request):
    """Sets every option, because msglc keeps options between calls."""
    configure(
        small_obj_optimization_threshold=request.get("threshold", 8192),
        trivial_size=request.get("trivial", 20),
    )
    # Setting one of the two sizes may change the other: the second call sets both.
    configure(
        small_obj_optimization_threshold=request.get("threshold", 8192),
        trivial_size=request.get("trivial", 20),
        numpy_encoder=request.get("numpyEncoder", False),
        numpy_fast_int_pack=request.get("numpyFastIntPack", False),
        fast_loading=request.get("fastLoading", True),
    )


class Peer:
    def __init__(self):
        self._locations = Locations()

    def versions(self, _request):
        return versions()

    def write(self, request):
        settings(request)
        codec = request["codec"]
        value = from_tagged(request["value"], codec)
        backend = request.get("backend", "python")
        path, fs = self._locations.resolve(request["target"])
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
        location, fs = self._locations.resolve(request["source"])
        results = []
        unpacker = CODECS[request["codec"]] if "codec" in request else None
        with LazyReader(location, fs=fs, unpacker=unpacker, cached=request.get("cached", True)) as reader:
            for path in request["paths"]:
                segments = path if isinstance(path, str) else [from_tagged(step) for step in path]
                try:
                    value = reader.read(segments) if len(segments) > 0 else reader.read()
                    if isinstance(value, (LazyReader, LazyDict, LazyList)):
                        value = to_obj(value)
                    results.append({"value": to_tagged(value)})
                except Exception as error:
                    results.append({"error": f"{type(error).__name__}: {error}"})
        return results

    def _children(self, request):
        for child in request["children"]:
            name = child.get("name")
            if "value" in child:
                yield FileInfo(None, name, obj=from_tagged(child["value"], request["codec"]))
            else:
                path, fs = self._locations.resolve(child["source"])
                yield FileInfo(path, name, fs=fs)

    def _combine(self, function, request):
        settings(request)
        path, fs = self._locations.resolve(request["target"])
        backend = request.get("backend", "python")
        function(path, list(self._children(request)), packer=CODECS[request["codec"]], fs=fs, backend=backend)

    def combine(self, request):
        self._combine(combine, request)

    def append(self, request):
        self._combine(append, request)


def main():
    # Libraries may print: only responses may reach the pipe.
    responses = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            response = {"result": getattr(peer, request["do"])(request)}
        except Exception as error:
            response = {"error": {"type": type(error).__name__, "message": str(error)}}
        responses.write(json.dumps(response) + "\n")
        responses.flush()


if __name__ == "__main__":
    main()
