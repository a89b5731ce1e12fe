from typing import Any, NamedTuple


class Diagnosis(NamedTuple):
    verdict: str
    cause: str | None
    message: str


def diagnose(headers: Any, body: bytes, *secrets: str | bytes, tolerance: float = 300) -> Diagnosis:
    return Diagnosis("unknown", None, "stub")
