"""Requests that strangers send: `REFUSED` change a delivery that is genuine, `BROKEN` break the rules of HTTP."""

from deliveries import OTHER_SECRET
from harness import Delivery, length


def signature(change):
    def changed(delivery):
        delivery.headers["svix-signature"] = [change(delivery.headers["svix-signature"][0])]

    return changed


def header(name, *values):
    def changed(delivery):
        delivery.headers[name] = list(values)

    return changed


def body(change, *, signed=False):
    def changed(delivery):
        delivery.body = change(delivery.body)
        if signed:
            delivery.sign()

    return changed


def both(first, second):
    return lambda delivery: (first(delivery), second(delivery))


def forged(delivery):
    delivery.sign(secret=OTHER_SECRET)


REFUSED = {
    "signature without comma": signature(lambda genuine: genuine.replace(b",", b"")),
    "signatures, both wrong, two spaces apart": header("svix-signature", b"v1,AAAA  v1,BBBB"),
    "signature that is no base64": header("svix-signature", b"v1,A"),
    "signatures joined by a tab": signature(lambda genuine: genuine + b"\t" + genuine),
    "signature with byte E9": signature(lambda genuine: genuine[:-4] + b"\xe9" + genuine[-3:]),
    "id with byte FF": header("svix-id", b"msg_\xff"),
    "body with byte FF": body(lambda genuine: genuine.replace(b"user_", b"user\xff")),
    "body with byte FF, signed": body(lambda genuine: genuine.replace(b"user_", b"user\xff"), signed=True),
    "body empty": body(lambda _: b""),
    "body of another delivery": body(lambda _: Delivery().body),
    "stale": lambda delivery: delivery.sign(age=600),
    "future": lambda delivery: delivery.sign(age=-600),
    "timestamp 1.5": header("svix-timestamp", b"1.5"),
    "timestamp with a fraction, signed": lambda delivery: delivery.sign(fraction=".5"),
    "forged": forged,
    "forged, of a body that is not compressed as it says": both(forged, header("content-encoding", b"gzip")),
    "forged, of a form that is none": both(forged, header("content-type", b"multipart/form-data")),
    **{
        f"{name} {how}": header(name, *values)
        for name in ("svix-id", "svix-timestamp", "svix-signature")
        for how, values in (("missing", []), ("empty", [b""]))
    },
}


CHUNKED = {"transfer-encoding": [b"chunked"]}


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


BROKEN = {
    "a length of thousands of digits": ({"content-length": [b"9" * 5000]}, b"{}"),
    "a length behind thousands of zeros": ({"content-length": [b"0" * 5000 + b"2"]}, b"{}"),
    "a negative length": (length(-1), b"{}"),
    "a length in other digits": ({"content-length": [b"\xb2"]}, b"{}"),
    "a length that is not there": ({}, b""),
    "less than the announced length": (length(50), b"{"),
    "a chunk of no size": (CHUNKED, b"zz\r\n{}\r\n"),
    "a chunk of a negative size": (CHUNKED, b"-2\r\n{}\r\n"),
    "a chunk of a size beyond all memory": (CHUNKED, b"f" * 40 + b"\r\n{}\r\n"),
    "a chunk that goes on": (CHUNKED, b"1\r\n{}\r\n0\r\n\r\n"),
    "chunks that break off": (CHUNKED, b"5\r\n{"),
    "a length and chunks": (length(2) | CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"),
}
