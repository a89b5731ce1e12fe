"""Each usual mistake gets its own cause, and a forgery gets none."""

import base64
import hmac
import json
import math
import random
import re
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
    ("newline_lost", signed(BODY + b"\n"), BODY),
    ("newline_lost", signed(BODY + b"\r\n"), BODY),
    ("line_endings", signed(PRETTY), PRETTY.replace(b"\n", b"\r\n")),
    ("line_endings", signed(PRETTY.replace(b"\n", b"\r\n")), PRETTY),
    ("byte_order_mark", signed(), b"\xef\xbb\xbf" + BODY),
    ("body_base64", signed(), base64.b64encode(BODY)),
    ("body_base64", signed(), base64.encodebytes(BODY)),
    ("body_json_string", signed(RICH), json.dumps(RICH.decode())),
    ("body_latin1", signed(RICH), RICH.decode("latin-1")),
    ("body_latin1", signed(b'{"a":"\xe2\x82\xac"}'), '{"a":"\u00e2\u201a\u00ac"}'),
    ("body_reserialised", signed(RICH), json.dumps(json.loads(RICH))),
    ("body_reserialised", signed(RICH), json.dumps(json.loads(RICH), ensure_ascii=False)),
    ("body_reserialised", signed(RICH), json.dumps(json.loads(RICH), separators=(",", ":"))),
    ("body_reserialised", signed(RICH), PRETTY),
    ("body_reserialised", signed(go_escaped(RICH)), RICH),
    ("body_reserialised", signed(PRETTY), RICH),
    ("body_reserialised", signed(json.dumps(json.loads(RICH)).encode()), RICH),
    ("empty_body", signed(b""), BODY),
    ("secret_too_short", signed(), BODY, SECRET[:-3]),
    ("secret_too_short", signed(), BODY, SECRET[:-4]),
    ("secret_too_short", signed(), BODY, KEY_TEXT[:20]),
    ("secret_too_short", signed(secret=b"k" * 23), BODY, b"k" * 23),
    ("secret_too_short", signed(), BODY, "whsec_"),
    ("secret_too_short", signed(), BODY, None),
    ("secret_too_short", signed(), BODY, "your-secret"),
    ("secret_too_short", with_signature("v1,AAAA"), BODY, SECRET, OTHER_SECRET[:-4]),
    ("secret_of_another_kind", signed(), BODY, "sk_test_abcdefghijklmnopqrstuvwxyz0123456789ABCD"),
    ("secret_of_another_kind", signed(), BODY, "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"),
    ("secret_of_another_kind", signed(), BODY, "sk_test_abc"),
    ("secret_of_another_kind", signed(), BODY, "the-name-of-a-secret-in-a-vault-that-was-not-resolved"),
    ("secret_of_another_kind", signed(), BODY, f"{SECRET} {OTHER_SECRET}"),
    ("secret_in_quotes", signed(), BODY, f'"{SECRET}"'),
    ("secret_in_quotes", signed(), BODY, f"'{KEY_TEXT}'\n"),
    ("secret_as_bytes", signed(), BODY, SECRET.encode()),
    ("secret_as_bytes", signed(), BODY, KEY_TEXT.encode()),
    ("key_not_decoded", signed(secret=SECRET.encode()), BODY),
    ("key_not_decoded", signed(secret=KEY_TEXT.encode()), BODY),
    ("key_not_decoded", signed(secret=KEY_TEXT.encode()), BODY, KEY_TEXT),
    ("other_secret", signed(secret=OTHER_SECRET), BODY, SECRET, OTHER_SECRET),
    ("other_secret", signed(), BODY, "sk_test_abcdefghijkl", SECRET),
    ("timestamp_too_old", signed(timestamp=NOW - 301), BODY),
    ("timestamp_too_new", signed(timestamp=NOW + 301), BODY),
    ("timestamp_in_milliseconds", signed(timestamp=MILLISECONDS), BODY),
    ("timestamp_in_milliseconds", signed() | {"svix-timestamp": str(MILLISECONDS)}, BODY),
    ("invalid_header", signed(timestamp=f"{NOW}.5"), BODY),
    ("invalid_header", signed(message_id="msg.1"), BODY),
    ("id_left_out", with_signature_of(f"{NOW}.".encode() + BODY), BODY),
    ("id_left_out", with_signature_of(BODY), BODY),
    ("signature_cut_off", with_signature(signature()[:-1]), BODY),
    ("signature_cut_off", with_signature(signature()[:20]), BODY),
    ("signatures_joined_by_comma", with_signature(f"{signature()},v1,AAAA"), BODY),
    ("signatures_joined_by_comma", with_signature(f"v1,AAAA, {signature()}, v1,AAAA"), BODY),
    ("signature_without_version", with_signature(signature().removeprefix("v1,")), BODY),
    ("signature_without_version", with_signature("AAAA " + signature().removeprefix("v1,")), BODY),
    ("signature_hexadecimal", with_signature(DIGEST.hex()), BODY),
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


def test_causes_are_documented_in_the_module_and_on_the_page_and_each_is_tested():
    page = Path(__file__).parents[1] / "docs" / "how-to" / "debug-a-refusal.md"
    tested = {cause for cause, *_ in MISTAKES}
    for text in (diagnosis.__doc__, page.read_text()):
        assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == tested
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
    frame = next(entry for entry in caught.traceback if entry.name == "diagnose")
    assert SECRET not in repr(frame.locals)


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
        lambda: rng.randbytes(rng.randrange(200)),
    ]
    signatures = [
        lambda guess: "v1," + base64.b64encode(guess).decode(),
        lambda guess: "v1," + base64.urlsafe_b64encode(guess).decode(),
        lambda guess: base64.b64encode(guess).decode(),
        lambda guess: guess.hex(),
        lambda guess: ",".join(["v1," + base64.b64encode(guess).decode()] * 2),
        lambda guess: "v1," + base64.b64encode(guess).decode()[: rng.randrange(44)],
        lambda guess: signature(secret=guess),
    ]
    for _ in range(count):
        timestamp = rng.choice([NOW, NOW, NOW - 1000, MILLISECONDS, "1.5"])
        guess = rng.choice(signatures)(rng.randbytes(32))
        message_id = rng.choice([ID, "msg.1", "msg_\u20ac"])
        yield {"svix-id": message_id, "svix-timestamp": str(timestamp), "svix-signature": guess}, rng.choice(bodies)()


def test_no_cause_is_claimed_for_ten_thousand_forgeries():
    verdicts = {ask(headers, body)[:2] for headers, body in forgeries(10_000)}
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


@given(st.integers(NOW - 310, NOW + 310), st.sampled_from([BODY, b"", b"not JSON"]))
def test_genuine_means_that_a_webhook_accepts(timestamp, body):
    headers = signed(body, timestamp=timestamp)
    try:
        Webhook(SECRET, clock=lambda: NOW).verify(headers, body)
        code = None
    except WebhookVerificationError as error:
        code = error.code
    assert ask(headers, body)[:2] == ("explained" if code else "genuine", code)
