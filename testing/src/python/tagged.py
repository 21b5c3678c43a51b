"""Converts between the tagged notation of values and Python values, without loss."""

from collections.abc import Mapping, Set
from datetime import datetime, timedelta, timezone
from uuid import UUID

import cbor2
import msgpack
import numpy

try:
    import msgspec
except ImportError:
    msgspec = None

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SAFE = 2**53


def _key(value):
    """A value as a key: lists become tuples, which Python can hash."""
    if isinstance(value, list):
        return tuple(_key(item) for item in value)
    return value


def _timestamp(seconds, nanoseconds, codec):
    if codec == "msgpack":
        return msgpack.Timestamp(seconds, nanoseconds)
    if nanoseconds % 1000:
        raise ValueError("this codec writes instants as datetime, which has no nanoseconds")
    return EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)


def from_tagged(node, codec="msgpack"):
    """The Python value that the given codec writes as the noted value."""
    if node is None or isinstance(node, (bool, int, str)):
        return node
    if isinstance(node, list):
        return [from_tagged(item, codec) for item in node]
    if not isinstance(node, dict) or len(node) != 1:
        raise ValueError("not a tagged value")
    ((tag, body),) = node.items()
    if tag == "$int":
        return int(body)
    if tag == "$float":
        return float(body)
    if tag == "$bytes":
        return bytes.fromhex(body)
    if tag == "$map":
        return {_key(from_tagged(key, codec)): from_tagged(value, codec) for key, value in body}
    if tag == "$tuple":
        return tuple(from_tagged(item, codec) for item in body)
    if tag == "$set":
        return {_key(from_tagged(item, codec)) for item in body}
    if tag == "$repeat":
        value, count = body
        return [from_tagged(value, codec)] * count
    if tag == "$timestamp":
        return _timestamp(*body, codec)
    if tag == "$tag":
        number, value = body
        return cbor2.CBORTag(number, from_tagged(value, codec))
    if tag == "$undefined":
        return cbor2.undefined
    if tag == "$simple":
        return cbor2.CBORSimpleValue(body)
    if tag == "$ndarray":
        data = [from_tagged(item, codec) for item in body["data"]]
        return numpy.array(data, dtype=body["dtype"]).reshape(body["shape"])
    raise ValueError(f"Python cannot write {tag}")


def _integer(value):
    return value if -SAFE < value < SAFE else {"$int": str(value)}


def _moment(value):
    if value.tzinfo is None:
        raise ValueError("an instant without a time zone")
    passed = value - EPOCH
    return {"$timestamp": [passed.days * 86400 + passed.seconds, passed.microseconds * 1000]}


def to_tagged(value):
    """The tagged notation of a Python value."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, numpy.generic):
        return to_tagged(value.item())
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return {"$float": repr(value)}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": bytes(value).hex()}
    # An ExtType is a tuple too.
    if isinstance(value, msgpack.ExtType):
        return {"$ext": [value.code, bytes(value.data).hex()]}
    if msgspec is not None and isinstance(value, msgspec.msgpack.Ext):
        return {"$ext": [value.code, bytes(value.data).hex()]}
    if isinstance(value, (list, tuple)):
        return [to_tagged(item) for item in value]
    if isinstance(value, Mapping):
        return {"$map": [[to_tagged(key), to_tagged(item)] for key, item in value.items()]}
    if isinstance(value, Set):
        return {"$set": [to_tagged(item) for item in value]}
    if isinstance(value, msgpack.Timestamp):
        return {"$timestamp": [value.seconds, value.nanoseconds]}
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, cbor2.CBORTag):
        return {"$tag": [_integer(value.tag), to_tagged(value.value)]}
    if isinstance(value, cbor2.CBORSimpleValue):
        return {"$simple": value.value}
    if value is cbor2.undefined:
        return {"$undefined": True}
    if isinstance(value, UUID):
        return {"$tag": [37, {"$bytes": value.bytes.hex()}]}
    if isinstance(value, numpy.ndarray):
        data = [to_tagged(item) for item in value.ravel().tolist()]
        return {"$ndarray": {"dtype": value.dtype.name, "shape": list(value.shape), "data": data}}
    raise ValueError(f"no notation for {type(value).__name__}")
