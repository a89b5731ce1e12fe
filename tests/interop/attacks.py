"""Requests that strangers send.

`REFUSED` change a genuine delivery, and the application refuses the result. Servers treat `ODD` in different ways.
`BROKEN` break the rules of HTTP.
"""

import gzip
from operator import attrgetter

from deliveries import OTHER_SECRET
from harness import Delivery, length


def value(name, change):
    def changed(delivery):
        delivery.headers[name] = [change(delivery.headers[name][0])]

    return changed


def signature(change):
    return value("svix-signature", change)


def next_line(place):
    return lambda genuine: genuine[:place] + b"\r\n " + genuine[place:]


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


def without_brand(*names):
    """Send these headers under their other names too, and forge those that begin with `svix-`."""

    def changed(delivery):
        genuine = dict(delivery.headers)
        forged(delivery)
        delivery.headers |= {name.replace("svix", "webhook"): genuine[name] for name in names}

    return changed


def id_with_a_dot(delivery):
    delivery.message_id += ".1"
    delivery.sign()


def dot_moved_right(delivery):
    (genuine_id,), (timestamp,) = delivery.headers["svix-id"], delivery.headers["svix-timestamp"]
    delivery.headers |= {"svix-id": [genuine_id + timestamp[:4]], "svix-timestamp": [timestamp[4:]]}


def dot_moved_left(delivery):
    """Take the id of a delivery whose id ends with the timestamp: its signature fits."""
    (genuine_id,), (timestamp,) = delivery.headers["svix-id"], delivery.headers["svix-timestamp"]
    delivery.message_id += f".{timestamp.decode()}"
    delivery.sign()
    delivery.headers["svix-id"] = [genuine_id]
    delivery.body = timestamp + b"." + delivery.body


def signature_in_another_header(delivery):
    (genuine,) = delivery.headers.pop("svix-signature")
    delivery.headers["x-padding"] = [b"1\r\n svix-signature: " + genuine]


def underscored(delivery):
    delivery.headers = {name.replace("svix-", "svix_"): values for name, values in delivery.headers.items()}


def never(_):
    return False


GZIP = header("content-encoding", b"gzip")
BOMB = gzip.compress(bytes(15 << 20))  # which fits into one frame of HTTP/2

REFUSED = {
    "signature without comma": signature(lambda genuine: genuine.replace(b",", b"")),
    "signatures, both wrong, two spaces apart": header("svix-signature", b"v1,AAAA  v1,BBBB"),
    "signature that is no base64": header("svix-signature", b"v1,A"),
    "signatures joined by a tab": signature(lambda genuine: genuine + b"\t" + genuine),
    "signature behind 64 others": signature(lambda genuine: b"v1,AAAA " * 64 + genuine),
    "signature with byte E9": signature(lambda genuine: genuine[:-4] + b"\xe9" + genuine[-3:]),
    "signature, and a second one behind a line break": signature(lambda genuine: genuine + b"\r\nsvix-signature: v1,A"),
    "id with byte FF": header("svix-id", b"msg_\xff"),
    "id with a dot, signed": id_with_a_dot,
    "dot moved into the timestamp": dot_moved_right,
    "dot moved into the id": dot_moved_left,
    "body with byte FF": body(lambda genuine: genuine.replace(b"user_", b"user\xff")),
    "body with byte FF, signed": body(lambda genuine: genuine.replace(b"user_", b"user\xff"), signed=True),
    "body empty": body(lambda _: b""),
    "body of another delivery": body(lambda _: Delivery().body),
    "body compressed after it was signed": both(body(gzip.compress), GZIP),
    "body that is a gzip bomb, signed": both(body(lambda _: BOMB, signed=True), GZIP),
    "stale": lambda delivery: delivery.sign(age=600),
    "future": lambda delivery: delivery.sign(age=-600),
    "timestamp 1.5": header("svix-timestamp", b"1.5"),
    "timestamp with a fraction, signed": lambda delivery: delivery.sign(fraction=".5"),
    "forged": forged,
    "forged, and genuine by the names without the brand": without_brand("svix-id", "svix-timestamp", "svix-signature"),
    "forged, and the signature genuine by its name without the brand": without_brand("svix-signature"),
    "forged, of a body that is not compressed as it says": both(forged, GZIP),
    "forged, by a client that asks before it sends the body": both(forged, header("expect", b"100-continue")),
    "forged, of a form that is none": both(forged, header("content-type", b"multipart/form-data")),
    **{
        f"{name} {how}": header(name, *values)
        for name in ("svix-id", "svix-timestamp", "svix-signature")
        for how, values in (("missing", []), ("empty", [b""]))
    },
}

# Each with whether a genuine delivery passes in this form. If not, the server, the framework or the handler refuses it.
ODD = {
    "an id that goes on in the next line": (value("svix-id", next_line(4)), never),
    "a timestamp that goes on in the next line": (value("svix-timestamp", next_line(4)), never),
    "a signature that goes on in the next line": (signature(next_line(4)), never),
    "a signature in the next line": (signature(next_line(0)), attrgetter("folds")),
    "a second signature in the next line": (
        signature(lambda genuine: b"v1,A\r\n " + genuine),
        attrgetter("folds"),
    ),
    "a header that is the next line of another": (signature_in_another_header, never),
    "names with underscores": (underscored, attrgetter("underscores")),
    "a form that is none": (header("content-type", b"multipart/form-data"), lambda server: not server.parses_forms),
    "20,000 signatures": (signature(lambda genuine: b"v1,AAAA " * 20_000 + genuine), never),
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
