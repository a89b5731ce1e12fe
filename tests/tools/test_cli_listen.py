"""`clerk-webhook listen` and `replay`: real processes and real sockets."""

import base64
import json
import re
import resource
import socket
import stat
import time
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from commands import PATIENCE, application, listening, slow_application
from deliveries import OTHER_SECRET, SECRET, signed

from clerk_webhook import Webhook, parse_event
from clerk_webhook.cli import main
from clerk_webhook.cli._masks import shown_payload
from clerk_webhook.events import EVENT_CLASSES
from clerk_webhook.testing import sample_delivery, sample_event, signed_request


def post(url, headers, body, method="POST"):
    """Send a request; return the status, the headers and the body of the answer."""
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)) as connection:
        connection.request(method, parts.path, body, headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()


def delivery(event_type="user.created", secret=SECRET):
    return sample_delivery(event_type, secret)


def head(headers, *more):
    """Return the start of a request whose connection ends with the answer."""
    lines = ["POST /api/webhooks HTTP/1.1", "host: x", "connection: close", *more]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


def raw_request(url, data):
    """Send bytes; return everything that comes back."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as client:
        client.sendall(data)
        answer = b""
        with suppress(OSError):  # the server may have answered and gone before it has read everything
            client.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while part := client.recv(1 << 16):
                answer += part
        return answer


SMUGGLED = b"POST /api/webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
CHUNKED = b"POST /api/webhooks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"


@pytest.mark.parametrize("name", ["content-length ", "content_length", "x"])
def test_one_request_has_one_answer_whatever_it_says_about_its_length(name):
    with listening() as process:
        request = f"POST /api/webhooks HTTP/1.1\r\nhost: x\r\n{name}: {len(SMUGGLED)}\r\n\r\n".encode()
        answer = raw_request(process.url, request + SMUGGLED)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"connection: close" in answer
        process.line()
        assert process.interrupt()[1] == ""


def test_a_genuine_delivery_is_one_line_and_200():
    with listening() as process:
        headers, body = delivery()
        assert post(process.url, headers, body)[0] == 200
        time_of_day, event_type, message_id, verdict = process.line().split()
        assert (event_type, message_id, verdict) == ("user.created", headers["svix-id"], "verified")
        assert time.strptime(time_of_day, "%H:%M:%S")
        assert process.interrupt() == (130, "", "")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda headers, body: (headers, body + b"\n"), "(signature_mismatch)"),
        (lambda _, body: (signed(body, timestamp=int(time.time()) - 400), body), "(timestamp_too_old)"),
        (lambda _, body: ({}, body), "(missing_header)"),
    ],
)
def test_a_refused_delivery_is_400_and_explained(spoil, code):
    with listening() as process:
        assert post(process.url, *spoil(*delivery()))[0] == 400
        line = process.line()
        assert f"refused  {code}" in line
        assert len(line.partition(code)[2]) > 20


def test_a_stranger_cannot_steer_the_terminal():
    with listening() as process:
        body = b'{"type": "user.\\u001b[2J\\n\\u0000", "data": 1}'
        raw_request(process.url, head({"svix-id": "\x1b[31m"}, f"content-length: {len(body)}") + body)
        line = process.line()
        raw_request(process.url, b"POST /\x1b[2J HTTP/1.1\r\nhost: x\r\n\r\n")
        _, out, err = process.interrupt()
        assert "user.?[2J ?" in line
        assert "?[31m" in line
        assert "\x1b" not in line + out + err


def test_a_doubled_header_and_bytes_that_are_not_utf8_are_forwarded_untouched():
    with application() as app, listening("--forward-to", app.url) as process:
        headers, body = delivery()
        start = head(headers, "x-name: a", "x-name: b", "accept-encoding: gzip", f"content-length: {len(body)}")
        raw_request(process.url, start[:-2] + b"x-bytes: \xff\x1b\r\n\r\n" + body)
        assert "verified  -> 200" in process.line()
    (received,) = app.received
    assert [value for name, value in received.headers if name == "x-name"] == ["a", "b"]
    assert dict(received.headers)["x-bytes"] == "\xff\x1b"
    assert "accept-encoding" not in dict(received.headers)  # a compressed answer could not be shown


def test_a_stale_message_of_the_second_secret_is_called_stale():
    with listening(secret=f"{OTHER_SECRET} {SECRET}") as process:
        body = b'{"type": "user.created", "data": {}}'
        post(process.url, signed(body, timestamp=int(time.time()) - 1000), body)
        assert "(timestamp_too_old) The attempt was signed 100" in process.line()


def test_a_verified_delivery_is_forwarded_untouched_and_the_answer_goes_back():
    answer = (202, {"retry-after": "7", "x-other": "1"}, b"queued")
    with application(answer) as app, listening("--forward-to", app.url) as process:
        headers, body = delivery()
        status, answered, text = post(process.url, {**headers, "x-tunnel": "1", "TE": "trailers"}, body)
        assert (status, answered["retry-after"], text) == (202, "7", b"queued")
        assert "x-other" not in answered
        line = process.line()
        assert "verified  -> 202 in " in line
        assert line.endswith(" ms  queued")
        post(process.url, headers, body + b" ")
        assert "refused" in process.line()
    (received,) = app.received
    assert received.body == body
    names = [name for name, _ in received.headers]
    assert names.count("host") == names.count("content-length") == 1
    assert "te" not in names
    assert {*headers.items(), ("x-tunnel", "1")} <= set(received.headers)
    assert dict(received.headers)["host"] == urlsplit(app.url).netloc


def test_every_delivery_is_forwarded_with_forward_unverified():
    with application((500, {}, b"boom")) as app, listening("--forward-to", app.url, "--forward-unverified") as process:
        assert post(process.url, *delivery(secret=OTHER_SECRET))[0] == 500
        assert "-> 500" in process.line()
    assert len(app.received) == 1


def test_the_sender_gets_502_when_the_application_is_down():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with listening("--forward-to", f"http://127.0.0.1:{unused.getsockname()[1]}/") as process:
            assert post(process.url, *delivery())[0] == 502
            assert "is the application running?" in process.line()


def test_without_a_secret_it_says_so_and_forwards_nothing():
    with application() as app, listening("--forward-to", app.url, secret=None) as process:
        assert post(process.url, *delivery())[0] == 200
        assert process.line().split()[3] == "unverified"
        status, _, err = process.interrupt()
        assert (status, app.received) == (130, [])
        assert "NO SIGNING SECRET" in err


REFUSED = [
    (b"GET /api/webhooks HTTP/1.1\r\nhost: x\r\n\r\n", b"405"),
    (b"HEAD /api/webhooks HTTP/1.1\r\nhost: x\r\n\r\n", b"405"),
    (b"POST /other HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}", b"404"),
    (b"POST http://[ HTTP/1.1\r\nhost: x\r\n\r\n", b"404"),
    (b"POST /api/webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999999\r\n\r\n", b"413"),
    (b"POST /api/webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n", b"400"),
    (b"POST /api/webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabc", b"400"),
    (CHUNKED + b"\r\n-5\r\n", b"400"),
    (b"POST /api/webhooks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n-5\r\n", b"400"),
    (CHUNKED + b"\r\nFFFFFF\r\n", b"413"),
    (CHUNKED + b"\r\n1\r\nabc\r\n0\r\n\r\n", b"400"),
    (CHUNKED + b"\r\n1;" + b"x" * (1 << 16) + b"\r\n", b"400"),
    (CHUNKED + b"\r\n" + b"1\r\na\r\n" * (1 << 16) + b"0\r\n\r\n", b"400"),
    (CHUNKED + b"\r\n0\r\n" + b"trailer: 1\r\n" * (1 << 13) + b"\r\n", b"400"),
    (CHUNKED + b"\r\n0\r\n", b"400"),
    (CHUNKED + b"content-length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED, b"400"),
    (CHUNKED + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, b"400"),
    (b"POST /api/webhooks HTTP/1.1\r\ncontent-length: 0\r\ncontent-length: 5\r\n\r\n" + SMUGGLED, b"400"),
    (b"POST /api/webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: 1_0\r\n\r\n", b"400"),
]


def test_other_requests_are_refused_as_an_endpoint_does():
    with listening() as process:
        for request, status in REFUSED:
            answer = raw_request(process.url, request)
            assert answer.split()[1] == status, request
            assert answer.count(b"HTTP/1.1 ") == 1, request
            assert answer.endswith(b"\r\n\r\n") == request.startswith(b"HEAD"), request
        _, out, err = process.interrupt()
    assert out == ""
    said = [re.search(rb" with (\d+) \(", line)[1] for line in err.encode().splitlines()]
    assert said == [status for _, status in REFUSED]


def test_a_body_in_chunks_is_read():
    with listening() as process:
        headers, body = delivery()
        half = len(body) // 2
        chunks = b"%x\r\n%b\r\n%X;x=1\r\n%b\r\n0\r\ntrailer: 1\r\n\r\n" % (
            half,
            body[:half],
            len(body) - half,
            body[half:],
        )
        assert b" 200 " in raw_request(process.url, head(headers, "transfer-encoding: chunked") + chunks)
        assert "verified" in process.line()


def test_one_time_codes_are_masked():
    with listening("-v") as process:
        for event_type in ("sms.created", "user.created"):
            post(process.url, *delivery(event_type))
        request = signed_request({"type": "email.updated", "data": "424242"}, SECRET)
        post(process.url, *request)
        _, out, _ = process.interrupt()
    assert out.count("  verified\n") == 3
    assert "424242" not in out
    assert "(masked)" in out
    sms = json.loads(sample_delivery("sms.created", SECRET).body)["data"]
    assert sms["message"] not in out
    assert "ada@example.com" in out


def test_no_text_that_opens_something_is_shown():
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyXzEifQ.c2lnbmF0dXJl"
    link = "https://accounts.example.com/v1/tickets/accept?id=1&__clerk_ticket=abc"
    data = {
        "id": "user_1",
        "url": link,
        "note": f"see {link}#access_token=abc",
        "jwt": "abc",
        "reset_token": "abc",
        "backup_codes": ["abc", "abc"],
        "nested": [{"otp_code": "abc", "pin": 424242, "password_enabled": True}],
        "anywhere": [token, SECRET, "sk_test_abcdefghijklmnop"],
    }
    bodies = [signed_request({"type": event_type, "data": data}, SECRET) for event_type in ("user.created", "new.type")]
    with listening("-v") as process:
        for request in (*bodies, delivery("organizationInvitation.created"), delivery("waitlistEntry.updated")):
            post(process.url, *request)
        _, out, _ = process.interrupt()
    assert out.count("  verified\n") == 4
    for text in ("not-a-real-ticket", "abc", "424242", "eyJ", SECRET, "sk_test"):
        assert text not in out
    assert '"url": "https://accounts.example.com/v1/tickets/accept?ticket=(masked)"' in out
    assert out.count('"url": "https://accounts.example.com/v1/tickets/accept?id=(masked)&__clerk_ticket=(masked)"') == 2
    assert out.count('"password_enabled": true') == 2


@pytest.mark.parametrize("event_type", EVENT_CLASSES)
def test_no_sample_shows_a_parameter_of_a_link_or_a_code(event_type):
    shown = shown_payload(sample_event(event_type))
    assert re.findall(r"[?&#]\w+=(?!\(masked\))|\b\d{6}\b|not-a-real", shown) == []


def test_a_long_payload_is_cut_off():
    deep = b'{"type":"user.created","data":{"id":' + b"[" * 190 + b",".join([b"0"] * 300_000) + b"]" * 190 + b"}}"
    wide = json.dumps({"type": "user.created", "data": {"id": "x" * 900_000}}).encode()
    with listening("-v") as process:
        for body in (deep, wide):
            assert post(process.url, signed(body, timestamp=int(time.time())), body)[0] == 200
        _, out, _ = process.interrupt()
    assert out.count("... (cut off)\n") == 2
    assert len(out) < 21_000


def test_at_most_eight_deliveries_are_at_work_at_once():
    with slow_application() as app, listening("--forward-to", app.url) as process:
        senders = [Thread(target=post, args=(process.url, *delivery())) for _ in range(12)]
        for sender in senders:
            sender.start()
        for _ in range(8):
            assert app.arrived.acquire(timeout=PATIENCE)
        assert not app.arrived.acquire(timeout=0.5)
        app.go_on.set()
        for sender in senders:
            sender.join(PATIENCE)
        for _ in range(4):
            assert app.arrived.acquire(timeout=PATIENCE)


FORGED = b'{"data":{"deleted":true,"id":"user_1","object":"user"},"object":"event","type":"user.deleted"}'


def replayed(file, *arguments):
    """Replay a file to an application; return the exit status, and the message ids that arrived genuine."""
    with application() as app:
        status = main(["replay", str(file), "--url", app.url, "--secret", SECRET, *arguments])
    return status, [Webhook(SECRET).verify(received.headers, received.body).id for received in app.received]


def test_a_replay_makes_no_genuine_message_of_a_forgery(tmp_path, capsys):
    file = tmp_path / "saved"
    forged = signed(FORGED, secret=OTHER_SECRET, message_id="msg_forged", timestamp=int(time.time()))
    stale = signed(FORGED, message_id="msg_stale", timestamp=int(time.time()) - 1000)
    with listening("--save", str(file)) as process:
        post(process.url, forged, FORGED)
        post(process.url, stale, FORGED)
        headers, body = delivery()
        post(process.url, headers, body + b"\n")
        genuine = delivery()
        post(process.url, *genuine)
        process.interrupt()
    assert [json.loads(line)["verdict"] for line in file.read_text().splitlines()] == ["refused"] * 3 + ["verified"]
    assert replayed(file) == (0, [genuine.headers["svix-id"]])
    assert "left out 3 of 4" in capsys.readouterr().err
    assert replayed(file, "--include-refused") == (
        0,
        ["msg_forged", "msg_stale", headers["svix-id"], genuine.headers["svix-id"]],
    )
    assert "left out" not in capsys.readouterr().err


def test_the_help_says_that_refused_deliveries_are_signed_again(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["replay", "--help"])
    assert "signs again" in " ".join(capsys.readouterr().out.split())


def test_a_file_of_refused_deliveries_replays_nothing_and_fails(tmp_path, capsys):
    file = tmp_path / "saved"
    file.write_text(json.dumps({"headers": signed(FORGED, secret=OTHER_SECRET), "body_b64": "e30="}))
    assert replayed(file) == (1, [])
    assert "left out 1 of 1" in capsys.readouterr().err


@pytest.mark.parametrize("verdict", [{}, {"verdict": "unverified"}])
def test_deliveries_without_a_verdict_are_verified_whatever_their_age(verdict, tmp_path):
    """Clerk's own command line writes no verdict, and `listen` has none without a secret."""
    body = base64.b64encode(FORGED).decode()
    old, forged = signed(FORGED, message_id="msg_old"), signed(FORGED, secret=OTHER_SECRET, message_id="msg_forged")
    lines = [{"type": "event", "headers": headers, "body_b64": body, **verdict} for headers in (old, forged, {})]
    file = tmp_path / "saved"
    file.write_text("\n".join(map(json.dumps, lines)))
    assert replayed(file) == (0, ["msg_old"])


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path):
    file = tmp_path / "saved"
    file.write_text("")
    file.chmod(0o664)
    with listening("--save", str(file)) as process:
        post(process.url, *delivery())
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    mode = Path("/dev/null").stat().st_mode
    with listening("--save", "/dev/null"):
        assert Path("/dev/null").stat().st_mode == mode


def test_a_saved_delivery_verifies_replays_and_is_loaded(tmp_path, capsys, monkeypatch):
    file = tmp_path / "deliveries.ndjson"
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    headers, body = delivery()
    with (
        application((200, {}, b"ok")) as app,
        listening("--save", str(file), "--forward-to", app.url, "--json") as process,
    ):
        post(process.url, {**headers, "X-Twice": "1"}, body)
        shown = json.loads(process.line())
        post(process.url, headers, b"{")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    saved, broken = map(json.loads, file.read_text().splitlines())
    assert set(saved) == {
        "type",
        "svix_id",
        "event_type",
        "headers",
        "body_b64",
        "forward_status",
        "latency_ms",
        "verdict",
    }
    assert saved["headers"]["x-twice"] == "1"
    assert (saved["svix_id"], saved["event_type"], saved["forward_status"]) == (headers["svix-id"], "user.created", 200)
    assert saved["verdict"] == "verified"
    assert shown == saved | {"explanation": ""}
    assert (broken["event_type"], broken["forward_status"]) == (None, None)

    event = parse_event(base64.b64decode(saved["body_b64"]), message_id=saved["svix_id"])
    assert event == Webhook(SECRET).verify_and_parse(headers, body)
    assert main(["verify", "--delivery", f"@{file}"]) == 0
    with application() as app:
        assert main(["replay", str(file), "--url", app.url]) == 0
        assert main(["replay", f"@{file}", "--url", app.url, "--as-recorded", "--json"]) == 0
    again, recorded, _ = app.received
    assert (again.message_id, again.body) == (headers["svix-id"], body)
    assert Webhook(SECRET).verify_and_parse(again.headers, again.body).message_id == headers["svix-id"]
    assert {*headers.items()} <= set(recorded.headers)
    capsys.readouterr()


def test_deliveries_of_clerks_own_command_line_are_read(tmp_path, capsys):
    body = b'{"type": "user.deleted", "data": {"id": "user_1"}}'
    headers = {name.title(): value for name, value in signed(body).items()}
    lines = [
        {"type": "ready", "relay_url": "https://example.com", "forward_to": "http://127.0.0.1"},
        {"type": "reconnecting"},
        {"type": "event", "headers": headers, "body_b64": base64.b64encode(body).decode(), "forward_status": None},
    ]
    file = tmp_path / "clerk.ndjson"
    file.write_text(
        "\n".join(map(json.dumps, lines)) + "\nnot json\n" + "[" * 10_000 + '\n{"headers": 1, "body_b64": 2}\n'
    )
    assert main(["verify", "--secret", SECRET, "--delivery", f"@{file}"]) == 0
    assert "genuine: msg_" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_ends_the_command_after_the_answer():
    with listening("--save", "/dev/full") as process:
        assert post(process.url, *delivery())[0] == 200
        assert process.popen.wait(PATIENCE) == 1
        assert process.interrupt()[2] == "clerk-webhook listen: can't write /dev/full: No space left on device.\n"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_listen_ends_at_a_disk_that_has_room_for_half_a_delivery(tmp_path):
    file = tmp_path / "saved"
    with listening("--save", str(file)) as process:
        resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (1000, 1000))
        post(process.url, *delivery())
        assert process.popen.wait(PATIENCE) == 1
        # The first line, because a measurement of coverage cannot write its own file then, and says so.
        assert process.interrupt()[2].splitlines()[0] == f"clerk-webhook listen: can't write {file}: File too large."


def test_a_closed_pipe_ends_the_command_quietly_after_the_answer():
    with listening() as process:
        process.popen.stdout.close()
        assert post(process.url, *delivery())[0] == 200
        assert process.popen.wait(PATIENCE) == 1
        assert process.popen.stderr.read() == ""


def test_a_saved_delivery_with_unbranded_headers_replays(tmp_path):
    headers, body = delivery()
    renamed = {name.replace("svix-", "webhook-"): value for name, value in headers.items()}
    with listening("--save", str(tmp_path / "saved")) as process:
        post(process.url, renamed, body)
        assert f"  {headers['svix-id']}  verified" in process.line()
    with application() as app:
        assert main(["replay", str(tmp_path / "saved"), "--url", app.url, "--secret", SECRET]) == 0
        assert main(["replay", str(tmp_path / "saved"), "--url", app.url, "--as-recorded"]) == 0
    for received in app.received:
        assert Webhook(SECRET).verify(received.headers, received.body).id == headers["svix-id"]


def test_a_delivery_that_cannot_be_signed_does_not_stop_the_replay(tmp_path, capsys):
    lines = [{"headers": {}, "body_b64": "", "verdict": "verified"}, {"headers": signed(b"{}"), "body_b64": "e30="}]
    (tmp_path / "saved").write_text("\n".join(map(json.dumps, lines)))
    with application() as app:
        assert main(["replay", str(tmp_path / "saved"), "--url", app.url, "--secret", SECRET]) == 1
    assert [received.body for received in app.received] == [b"{}"]
    assert "a saved delivery cannot be signed: svix-id" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "exit_status"), [(204, 0), (500, 1)])
def test_a_replay_fails_unless_each_answer_is_a_2xx(status, exit_status, tmp_path):
    file = tmp_path / "saved"
    file.write_text(json.dumps({"headers": signed(b"{}"), "body_b64": "e30="}))
    with application((status, {}, b"")) as app:
        assert main(["replay", str(file), "--url", app.url, "--secret", SECRET]) == exit_status


def test_a_file_without_deliveries_is_told(tmp_path, capsys):
    (tmp_path / "saved").write_text("")
    assert main(["replay", str(tmp_path / "saved"), "--url", "http://127.0.0.1:1", "--secret", SECRET]) == 2
    assert "holds no delivery" in capsys.readouterr().err


def test_a_replay_to_a_closed_port_fails(tmp_path, capsys):
    file = tmp_path / "saved"
    file.write_text(json.dumps({"headers": signed(b"{}"), "body_b64": "e30="}))
    assert main(["replay", str(file), "--url", "http://127.0.0.1:1", "--secret", SECRET]) == 1
    assert "nothing listens" in capsys.readouterr().err


def test_a_listener_that_cannot_start_says_why(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert main(["listen", "--port", str(server.getsockname()[1])]) == 1
    assert main(["listen", "--save", str(tmp_path)]) == 2
    assert main(["listen", "--secret", "sk_test_1"]) == 2
    assert main(["listen", "--secret", ""]) == 2  # as "$UNSET" gives it
    assert main(["listen", "--port", "3001", "--forward-to", "http://localhost:3001/api/webhooks"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 5
    assert "--port" in errors[0]
    assert "can't write" in errors[1]
    assert "--forward-to is the address of this listener" in errors[4]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "65536"],
        ["--port", "x"],
        ["--port", "000000999999"],
        ["--path", "api"],
        ["--path", "/api?a=1"],
        ["--path", "/a b"],
        ["--forward-to", "localhost:3000"],
    ],
)
def test_wrong_arguments_leave_with_2(arguments):
    with pytest.raises(SystemExit, match="2"):
        main(["listen", *arguments])


def test_a_connection_that_breaks_is_one_line():
    with listening() as process:
        parts = urlsplit(process.url)
        client = socket.create_connection((parts.hostname, parts.port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sendall(b"POST /api/webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n")
        client.close()  # a reset, before the body or the head is read
        assert process.popen.stderr.readline() == "clerk-webhook listen: a connection broke: ConnectionResetError.\n"
        assert process.interrupt() == (130, "", "")
