"""Each usual mistake gets its own cause, and a forgery gets none."""

import base64
import gzip
import hmac
import html
import json
import math
import random
import re
import urllib.parse
import zlib
from pathlib import Path

import pytest
from deliveries import BODY, ID, NOW, OTHER_SECRET, SECRET, signature, signed
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import binary

from clerk_webhook import SecretError, Webhook, WebhookVerificationError, diagnosis
from clerk_webhook.diagnosis import Diagnosis, diagnose

# Everything that a serialiser may write in another way is in here.
RICH = '{"data":{"bio":"J\u00fcrgen <b>&</b> \u2028","id":"\U0001f600","n":[1.5,null]},"type":"user.created"}'.encode()
PRETTY = json.dumps(json.loads(RICH), indent=2, ensure_ascii=False).encode()
KEY_TEXT = SECRET.removeprefix("whsec_")
KEY = base64.b64decode(KEY_TEXT)
DIGEST = base64.b64decode(signature().removeprefix("v1,"))
# The signature of this message has a "+" and a "/", which url-safe base64 writes in another way.
WITH_PLUS_AND_SLASH = "msg_3"
WITH_PLUS = signature(message_id="msg_15")  # it has more than one "+", after the first 16 characters too
THIRD_SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
URL_SAFE_KEY = bytes(range(232, 256)) + b"\xff\xef\xff"
SHUFFLED = (
    b'{"type":"user.created","data":{"name":"J\xc3\xbcrgen <b>","id":"1","created_at":1761912345700},"object":"event"}'
)
SORTED = json.dumps(json.loads(SHUFFLED), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
URL_SAFE = signature(message_id=WITH_PLUS_AND_SLASH).replace("+", "-").replace("/", "_")
MILLISECONDS = NOW * 1000 + 123


def go_escaped(body):
    return (
        body.replace(b"<", b"\\u003c")
        .replace(b">", b"\\u003e")
        .replace(b"&", b"\\u0026")
        .replace("\u2028".encode(), b"\\u2028")
    )


def with_signature(value, message_id=ID):
    return {"svix-id": message_id, "svix-timestamp": str(NOW), "svix-signature": value}


def with_signature_of(content):
    return with_signature("v1," + base64.b64encode(hmac.digest(KEY, content, "sha256")).decode())


# The cause, the headers, the body, and the secrets, if it is not SECRET alone.
MISTAKES = [
    ("missing_header", {}, BODY),
    ("missing_header", signed() | {"svix-id": " "}, BODY),
    ("newline_added", signed(), BODY + b"\n"),
    ("newline_added", signed(), BODY + b"\r\n"),
    ("newline_added", signed(BODY + b"\n"), BODY + b"\n\n"),
    ("newline_added", signed(), BODY + b"\n\n\n"),
    ("newline_lost", signed(BODY + b"\n"), BODY),
    ("newline_lost", signed(BODY + b"\r\n"), BODY),
    ("white_space_added", signed(), b" " + BODY),
    ("white_space_added", signed(), BODY + b"\0"),
    ("line_endings", signed(PRETTY), PRETTY.replace(b"\n", b"\r\n")),
    ("line_endings", signed(PRETTY.replace(b"\n", b"\r\n")), PRETTY),
    ("byte_order_mark", signed(), b"\xef\xbb\xbf" + BODY),
    ("byte_order_mark", signed(b"\xef\xbb\xbf" + BODY), BODY),
    ("body_base64", signed(), base64.b64encode(BODY)),
    ("body_base64", signed(), base64.encodebytes(BODY)),
    ("body_json_string", signed(RICH), json.dumps(RICH.decode())),
    ("body_json_string", signed(RICH), json.dumps(RICH.decode())[1:-1]),
    ("body_inside_json", signed(RICH), json.dumps({"headers": {}, "body": RICH.decode()})),
    ("body_inside_json", signed(RICH), json.dumps({"body": base64.b64encode(RICH).decode()})),
    ("body_inside_json", signed(RICH), json.dumps({"payload": json.loads(RICH)})),
    ("body_charset", signed(RICH), RICH.decode("latin-1")),
    ("body_charset", signed(b'{"a":"\xe2\x82\xac"}'), '{"a":"\u00e2\u201a\u00ac"}'),
    ("body_charset", signed('{"a":"\u00fc"}'.encode()), b'{"a":"\xfc"}'),
    ("body_charset", signed('{"a":"\u20ac"}'.encode()), b'{"a":"\x80"}'),
    ("body_charset", signed(RICH), RICH.decode().encode("utf-16")),
    ("body_charset", signed(RICH), "\ufeff".encode("utf-16-be") + (RICH.decode() + "\r\n").encode("utf-16-be")),
    ("body_hexadecimal", signed(), BODY.hex()),
    ("body_hexadecimal", signed(), BODY.hex(" ").upper()),
    ("body_percent_encoded", signed(RICH), urllib.parse.quote(RICH)),
    ("body_percent_encoded", signed(PRETTY), urllib.parse.quote_plus(PRETTY)),
    ("body_percent_encoded", signed(RICH), urllib.parse.urlencode({"payload": RICH})),
    ("body_compressed", signed(), gzip.compress(BODY)),
    ("body_compressed", signed(), zlib.compress(BODY)),
    ("body_compressed", signed(), zlib.compress(BODY, wbits=-15)),
    ("body_chunked", signed(), b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    ("body_chunked", signed(), b"5\r\n%b\r\n%X\r\n%b\r\n0\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:])),
    ("body_with_headers", signed(), b"POST / HTTP/1.1\r\nhost: x\r\n\r\n" + BODY),
    ("body_with_headers", signed(), b"HTTP/1.1 200 OK\nserver: x\n\n" + BODY),
    ("body_html_escaped", signed(RICH), html.escape(RICH.decode())),
    ("body_html_escaped", signed(RICH), RICH.decode().replace("&", "&amp;").replace('"', "&#34;")),
    ("body_in_quotes", signed(), b"'%b'" % BODY),
    ("body_in_quotes", signed(), b'"%b"\n' % BODY),
    ("body_bytes_repr", signed(RICH), repr(RICH)),
    ("body_bytes_repr", signed(b'{"a":"\'\\\\ \r\n\t\x00"}'), repr(b'{"a":"\'\\\\ \r\n\t\x00"}')),
    ("body_bytes_repr", signed(b"{'}"), repr(b"{'}")),
    ("body_bytes_repr", signed(RICH), repr(bytearray(RICH))),
    ("body_dict_repr", signed(RICH), str(json.loads(RICH))),
    ("body_dict_repr", signed(SORTED), str(json.loads(SHUFFLED))),
    ("body_list_of_bytes", signed(RICH), json.dumps({"type": "Buffer", "data": list(RICH)})),
    ("body_list_of_bytes", signed(RICH), str(list(RICH))),
    ("body_reserialised", signed(RICH), json.dumps(json.loads(RICH))),
    ("body_reserialised", signed(RICH), json.dumps(json.loads(RICH), ensure_ascii=False)),
    ("body_reserialised", signed(RICH), json.dumps(json.loads(RICH), separators=(",", ":"))),
    ("body_reserialised", signed(RICH), PRETTY),
    ("body_reserialised", signed(go_escaped(RICH)), RICH),
    ("body_reserialised", signed(PRETTY), RICH),
    ("body_reserialised", signed(json.dumps(json.loads(RICH)).encode()), RICH),
    ("body_reserialised", signed(SORTED), SHUFFLED),
    ("body_reserialised", signed(SORTED), json.dumps(json.loads(SHUFFLED))),
    ("body_reserialised", signed(SORTED), json.dumps(json.loads(SHUFFLED), indent=4)),
    ("body_reserialised", signed(SHUFFLED), json.dumps(json.loads(SHUFFLED), indent=4)),
    ("body_reserialised", signed(json.dumps(json.loads(RICH), indent=4).encode()), RICH),
    ("body_reserialised", signed(SORTED), go_escaped(SORTED)),
    ("body_reserialised", signed(SORTED), SORTED.replace(b"1761912345700", b"1761912345700.0")),
    ("body_reserialised", signed(SORTED), SORTED.replace(b"1761912345700", b"1.7619123457e12")),
    ("body_reserialised", signed(RICH), json.dumps(json.loads(RICH)).replace("/", "\\/")),
    ("body_reserialised", signed(json.dumps(json.loads(RICH)).replace("/", "\\/").encode()), RICH),
    ("empty_body", signed(b""), BODY),
    ("secret_unusable", signed(), BODY, SECRET[:-3]),
    ("secret_unusable", signed(), BODY, SECRET[:-4]),
    ("secret_unusable", signed(), BODY, KEY_TEXT[:20]),
    ("secret_unusable", signed(secret=b"k" * 23), BODY, b"k" * 23),
    ("secret_unusable", signed(), BODY, "whsec_"),
    ("secret_unusable", signed(), BODY, "whsec_" + base64.b64encode(b"x" * 32).decode()),
    ("secret_unusable", signed(), BODY, None),
    ("secret_unusable", signed(), BODY, "your-secret"),
    ("secret_unusable", signed(), BODY, "sk_test_abcdefghijklmnopqrstuvwxyz0123456789ABCD"),
    ("secret_unusable", signed(), BODY, "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"),
    ("secret_unusable", signed(), BODY, "sk_test_abc"),
    ("secret_unusable", signed(), BODY, "the-name-of-a-secret-in-a-vault-that-was-not-resolved"),
    ("secret_unusable", with_signature("v1,AAAA"), BODY, OTHER_SECRET[:-4], SECRET),
    ("secret_miswritten", signed(), BODY, f'"{SECRET}"'),
    ("secret_miswritten", signed(), BODY, f"'{KEY_TEXT}'\n"),
    ("secret_miswritten", signed(), BODY, f'"{OTHER_SECRET} {SECRET}"'),
    ("secret_miswritten", signed(), BODY, KEY_TEXT),
    ("secret_miswritten", signed(), BODY, f"v1,{SECRET}"),
    ("secret_miswritten", signed(), BODY, f"CLERK_WEBHOOK_SIGNING_SECRET={SECRET}"),
    (
        "secret_miswritten",
        signed(secret=URL_SAFE_KEY),
        BODY,
        "whsec_" + base64.urlsafe_b64encode(URL_SAFE_KEY).decode(),
    ),
    ("secret_as_bytes", signed(), BODY, SECRET.encode()),
    ("secret_as_bytes", signed(), BODY, KEY_TEXT.encode()),
    ("key_not_decoded", signed(secret=SECRET.encode()), BODY),
    ("key_not_decoded", signed(secret=KEY_TEXT.encode()), BODY),
    ("key_not_decoded", signed(secret=KEY_TEXT.encode()), BODY, KEY_TEXT),
    ("other_secret", signed(secret=OTHER_SECRET), BODY, SECRET, OTHER_SECRET),
    ("other_secret", signed(), BODY, "sk_test_abcdefghijkl", SECRET),
    ("other_secret", signed(), BODY, OTHER_SECRET, f"{THIRD_SECRET} {SECRET}"),
    ("timestamp_too_old", signed(timestamp=NOW - 301), BODY),
    ("timestamp_too_new", signed(timestamp=NOW + 301), BODY),
    ("timestamp_in_milliseconds", signed(timestamp=MILLISECONDS), BODY),
    ("timestamp_in_milliseconds", signed() | {"svix-timestamp": str(MILLISECONDS)}, BODY),
    ("invalid_header", signed(timestamp=f"{NOW}.5"), BODY),
    ("invalid_header", signed(message_id="msg.1"), BODY),
    ("id_left_out", with_signature_of(f"{NOW}.".encode() + BODY), BODY),
    ("id_left_out", with_signature_of(BODY), BODY),
    ("timestamp_left_out", with_signature_of(f"{ID}.".encode() + BODY), BODY),
    ("signature_space_for_plus", with_signature(WITH_PLUS.replace("+", " "), "msg_15"), BODY),
    ("signature_space_for_plus", with_signature(f"v1,AA+A {WITH_PLUS} v1a,A+A".replace("+", " "), "msg_15"), BODY),
    ("signature_percent_encoded", with_signature(urllib.parse.quote(signature())), BODY),
    ("signature_cut_off", with_signature(signature()[:-1]), BODY),
    ("signature_cut_off", with_signature(signature()[:20]), BODY),
    ("signatures_joined_by_comma", with_signature(f"{signature()},v1,AAAA"), BODY),
    ("signatures_joined_by_comma", with_signature(f"v1,AAAA, {signature()}, v1,AAAA"), BODY),
    ("signature_without_version", with_signature(signature().removeprefix("v1,")), BODY),
    ("signature_without_version", with_signature("AAAA " + signature().removeprefix("v1,")), BODY),
    ("signature_without_version", with_signature(f'"{signature()}"'), BODY),
    ("signature_without_version", with_signature(f"t={NOW},v1={signature().removeprefix('v1,')}"), BODY),
    ("signature_without_version", with_signature(f"sha256={signature().removeprefix('v1,')}"), BODY),
    ("signature_hexadecimal", with_signature(DIGEST.hex()), BODY),
    ("signature_hexadecimal", with_signature(f"sha256={DIGEST.hex()}"), BODY),
    ("signature_hexadecimal", with_signature(f"v1,{DIGEST.hex().upper()}"), BODY),
    ("signature_url_safe", with_signature(URL_SAFE, WITH_PLUS_AND_SLASH), BODY),
    ("signature_url_safe", with_signature(URL_SAFE.rstrip("="), WITH_PLUS_AND_SLASH), BODY),
    ("signature_url_safe", with_signature(f"{URL_SAFE} v1,AAAA", WITH_PLUS_AND_SLASH), BODY),
]


def ask(headers, body, *secrets, **options):
    return diagnose(headers, body, *(secrets or [SECRET]), clock=lambda: NOW, **options)


@pytest.mark.parametrize(
    ("cause", "headers", "body", "secrets"), [pytest.param(*row[:3], row[3:], id=row[0]) for row in MISTAKES]
)
def test_each_mistake_has_its_own_cause(cause, headers, body, secrets):
    verdict, found, message = ask(headers, body, *secrets)
    assert (verdict, found) == ("explained", cause)
    assert message.endswith(".")
    for secret in (SECRET, OTHER_SECRET, *filter(None, secrets)):
        text = secret if isinstance(secret, str) else secret.decode()
        assert text == "whsec_" or text not in message


def test_causes_are_documented_in_the_module_and_each_is_tested():
    tested = {cause for cause, *_ in MISTAKES}
    assert set(re.findall(r"^- `(\w+)`: ", diagnosis.__doc__, re.MULTILINE)) == tested
    assert {cause for cause, _, _ in diagnosis._MISTAKES} < tested


@pytest.mark.parametrize("body", [BODY, bytearray(BODY), memoryview(BODY), BODY.decode()])
@pytest.mark.parametrize("prefix", ["svix", "webhook"])
def test_a_genuine_message_is_genuine_in_every_form(prefix, body):
    headers = iter(signed(prefix=prefix).items())
    assert ask(headers, body)[:2] == ("genuine", None)


def test_a_genuine_message_stays_genuine_beside_other_entries_and_secrets():
    headers = with_signature(f"v1a,xxxx v1,AAAA {signature()}")
    assert ask(headers, BODY, SECRET, OTHER_SECRET, "sk_test_abcdefghijkl").verdict == "genuine"


def test_an_old_capture_is_genuine_if_any_time_is_accepted():
    assert ask(signed(timestamp=1), BODY, tolerance=math.inf).verdict == "genuine"


def test_a_mistake_in_an_old_capture_is_found_before_its_age():
    assert ask(signed(timestamp=1), BODY + b"\n").cause == "newline_added"


def test_the_age_is_told():
    assert "signed 1000 s ago" in ask(signed(timestamp=NOW - 1000), BODY).message
    assert "signed 1000 s in the future" in ask(signed(timestamp=NOW + 1000), BODY).message


def test_the_number_of_the_secret_that_signed_is_told():
    assert "Secret 3 " in ask(signed(), BODY, OTHER_SECRET, "k" * 32, SECRET).message


def test_two_mistakes_at_once_stay_unknown():
    assert ask(with_signature(DIGEST.hex()), BODY + b"\n") == ask(with_signature("v1,AAAA"), BODY)


def test_a_doubled_header_is_told_but_not_taken_for_a_proven_cause():
    found = ask([*signed().items(), ("svix-id", "msg_other")], BODY)
    assert found[:2] == ("unknown", None)
    assert "svix-id was sent more than once" in found.message


def test_an_empty_body_is_told_but_not_taken_for_a_proven_cause():
    found = ask(signed(), b"")
    assert found[:2] == ("unknown", None)
    assert "The body is empty" in found.message


def test_another_reason_to_refuse_is_told_but_not_taken_for_a_proven_cause():
    assert "signed 1000 s ago" in ask(with_signature("v1,AAAA") | {"svix-timestamp": str(NOW - 1000)}, BODY).message
    assert "whole seconds" in ask(signed() | {"svix-timestamp": "soon"}, BODY).message


def test_a_signature_with_an_empty_key_proves_nothing():
    assert ask(signed(secret=b""), BODY, KEY).verdict == "unknown"


@pytest.mark.parametrize("secret", ["changeme", OTHER_SECRET[:-4], "sk_test_abcdefghijkl", None])
def test_a_candidate_that_is_no_secret_explains_nothing(secret):
    assert ask(with_signature("v1,AAAA"), BODY, SECRET, secret).verdict == "unknown"


@pytest.mark.parametrize("secrets", [f"{OTHER_SECRET} {SECRET}", f" {SECRET}\n{OTHER_SECRET} "])
def test_each_of_the_secrets_in_a_text_is_right(secrets):
    assert ask(signed(), BODY, secrets).verdict == "genuine"
    assert ask(signed(), BODY + b"\n", secrets).cause == "newline_added"


@pytest.mark.parametrize("secret", ["whsec_", "changeme", "whsec_changeme", "whsec_" + "x" * 32])
def test_a_signature_with_a_guessable_text_proves_nothing(secret):
    for key in (secret.encode(), secret.removeprefix("whsec_").encode()):
        assert ask(signed(secret=key), BODY, SECRET, secret).verdict == "unknown"


def test_a_few_characters_of_a_signature_prove_nothing():
    assert ask(with_signature(signature()[:18]), BODY).verdict == "unknown"


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((signed(), BODY), SecretError, "No signing secret"),
        ((signed(), BODY, 3), TypeError, "must be str or bytes"),
        ((signed(), {}, SECRET), TypeError, "raw body"),
        ((3, BODY, SECRET), TypeError, "headers must be"),
    ],
)
def test_a_mistake_in_the_call_is_an_error_that_keeps_the_secret(arguments, error, says):
    with pytest.raises(error, match=says) as caught:
        diagnose(*arguments)
    assert SECRET not in locals_shown(caught)


def locals_shown(caught):
    """Return what an error reporter shows of the package's frames, in the error and in those before it."""
    error, shown = caught.value, ""
    while error is not None:
        traceback = error.__traceback__
        while traceback is not None:
            if Path(traceback.tb_frame.f_code.co_filename).parent.name == "clerk_webhook":
                shown += repr(traceback.tb_frame.f_locals)
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__
    return shown


@pytest.mark.parametrize(
    "place", ["SigningKey", "key_from_secret", "_keys_in", "find_signature_headers", "json", "matches", "Webhook"]
)
def test_no_local_of_a_traceback_shows_the_secret_when_memory_runs_out(place, monkeypatch):
    class RunOut:
        def __new__(cls, *_, **__):
            raise MemoryError

        loads = dumps = __new__

    monkeypatch.setattr(diagnosis, place, RunOut)
    for secret in (SECRET, SECRET.encode(), f'"{SECRET}"'):
        with pytest.raises(MemoryError) as caught:
            ask(signed(), RICH + b" ", secret)
        shown = locals_shown(caught)
        assert KEY_TEXT not in shown
        assert repr(KEY)[2:-1] not in shown


def test_a_bad_tolerance_is_a_value_error():
    with pytest.raises(ValueError, match="tolerance"):
        ask(signed(), BODY, tolerance=-1)


def forgeries(count):
    """Yield forgeries of every form that is undone: their signatures were made without the secret."""
    rng = random.Random(14)
    texts = [BODY, RICH, PRETTY, b"", b"{}", json.dumps(RICH.decode()).encode()]
    bodies = [
        lambda: rng.choice(texts),
        lambda: rng.choice(texts) + rng.choice([b"\n", b"\r\n"]),
        lambda: base64.b64encode(rng.choice(texts)),
        lambda: b"\xef\xbb\xbf" + rng.choice(texts),
        lambda: rng.choice(texts).decode("latin-1").encode(),
        lambda: repr(rng.choice(texts)).encode(),
        lambda: str(json.loads(RICH)).encode(),
        lambda: json.dumps({"body": rng.choice(texts).decode()}).encode(),
        lambda: gzip.compress(rng.choice(texts)),
        lambda: b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
        lambda: urllib.parse.quote(rng.choice(texts)).encode(),
        lambda: SHUFFLED,
        lambda: rng.randbytes(rng.randrange(200)),
    ]
    signatures = [
        lambda guess: "v1," + base64.b64encode(guess).decode(),
        lambda guess: "v1," + base64.urlsafe_b64encode(guess).decode(),
        lambda guess: base64.b64encode(guess).decode(),
        lambda guess: guess.hex(),
        lambda guess: "v1," + base64.b64encode(guess).decode().replace("+", " "),
        lambda guess: urllib.parse.quote("v1," + base64.b64encode(guess).decode()),
        lambda guess: "sha256=" + base64.b64encode(guess).decode(),
        lambda guess: ",".join(["v1," + base64.b64encode(guess).decode()] * 2),
        lambda guess: "v1," + base64.b64encode(guess).decode()[: rng.randrange(44)],
        lambda guess: signature(secret=guess),
    ]
    for _ in range(count):
        timestamp = rng.choice([NOW, NOW, NOW - 1000, MILLISECONDS, "1.5"])
        guess = rng.choice(signatures)(rng.randbytes(32))
        message_id = rng.choice([ID, "msg.1", "msg_\u20ac"])
        yield {"svix-id": message_id, "svix-timestamp": str(timestamp), "svix-signature": guess}, rng.choice(bodies)()


def test_no_cause_is_claimed_for_thousands_of_forgeries():
    verdicts = {ask(headers, body, SECRET, "changeme")[:2] for headers, body in forgeries(5_000)}
    assert verdicts == {("unknown", None)}


texts = st.text(max_size=60)
headers_of_strangers = st.fixed_dictionaries(
    {}, optional={f"svix-{name}": texts for name in ("id", "timestamp", "signature")}
)


@given(headers_of_strangers, binary(max_size=60) | texts, st.lists(texts | binary(max_size=60), min_size=1))
@example(signed(), "[" * 100_000, [SECRET])
@example(signed(), "[" * 600 + "]" * 600, [SECRET])
@example(signed(), '{"a":' + "9" * 5000 + "}", [SECRET])
@example(signed(), '"\\ud800"', [SECRET])
@example(signed(), "\ud800", ["\ud800"])
@example(signed() | {"svix-id": "\ud800"}, b"\xff", [SECRET])
def test_anything_gets_a_diagnosis(headers, body, secrets):
    found = ask(headers, body, *secrets)
    assert isinstance(found, Diagnosis)
    assert (found.cause is not None) == (found.verdict == "explained")


# The starts of forms that are undone, and what spoils them.
PIECES = [
    *(
        "{'",
        '{"',
        "'",
        '"',
        "\\",
        "\\x4",
        "\\U00110000",
        "\\UFFFFFFFF",
        "\\ud800",
        "b'",
        "bytearray(b'",
        ")",
        "{",
        "}",
        "[",
        "]",
    ),
    *(
        ":",
        ",",
        "1",
        "-1",
        "256",
        "1e999",
        "9" * 400,
        "NaN",
        "None",
        "true",
        '{"data":[',
        '{"body":',
        '{"type":"Buffer",',
    ),
    *("%", "%4", "&#34;", "&quot;", "5\r\n", "0\r\n", "\n\n", "\ufeff", "\xff", "=", "+", " "),
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.sampled_from(["utf-8", "latin-1", "utf-16"]))
@example("{'\\UFFFFFFFF'", "utf-8")
def test_any_broken_form_gets_a_diagnosis(body, codec):
    assert ask(signed(), body.encode(codec, "replace")).verdict == "unknown"


@given(st.integers(NOW - 310, NOW + 310), st.sampled_from([BODY, b"", b"not JSON"]))
def test_genuine_means_that_a_webhook_accepts(timestamp, body):
    headers = signed(body, timestamp=timestamp)
    try:
        Webhook(SECRET, clock=lambda: NOW).verify(headers, body)
        code = None
    except WebhookVerificationError as error:
        code = error.code
    assert ask(headers, body)[:2] == ("explained" if code else "genuine", code)
