"""The payload types, held against Clerk's schema key by key, and against themselves."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import filter as filter_names
from fnmatch import fnmatchcase
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from clerk_webhook import events, types

SCHEMAS = Path(__file__).resolve().parents[2] / "shared" / "clerk" / "webhook-schemas.json"
MODULES = sorted(Path(types.__path__[0]).glob("*.py"))

PUBLIC_TYPED_DICTS: dict[str, Any] = {
    name: value for name in types.__all__ if is_typeddict(value := getattr(types, name, None))
}


def _payload(event_class: Any) -> Any:
    (base,) = event_class.__dict__["__orig_bases__"]
    return getattr(types, base.__args__[1])


PAYLOADS: dict[str, Any] = {event_type: _payload(cls) for event_type, cls in events.EVENT_CLASSES.items()}


# What the sources of the modules say: only there are field docstrings, and UnixMillis told from int.


@dataclass
class SourceField:
    annotation: str
    docstring: str | None


def _source_fields(body: list[ast.stmt]) -> Iterator[tuple[str, SourceField]]:
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            docstring = None
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                docstring = str(following.value.value)
            yield statement.target.id, SourceField(ast.unparse(statement.annotation), docstring)


CLASSES: dict[str, ast.ClassDef] = {
    node.name: node
    for module in MODULES
    for node in ast.parse(module.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
}
OWN_FIELDS: dict[str, dict[str, SourceField]] = {name: dict(_source_fields(cls.body)) for name, cls in CLASSES.items()}


def _all_fields(name: str) -> dict[str, SourceField]:
    bases = [base.id for base in CLASSES[name].bases if isinstance(base, ast.Name) and base.id in CLASSES]
    inherited = {key: value for base in bases for key, value in _all_fields(base).items()}
    return inherited | OWN_FIELDS[name]


def _is_unix_millis(annotation: str) -> bool:
    return re.search(r"\bUnixMillis\b", annotation) is not None


def _said(field: SourceField) -> str:
    return " ".join((field.docstring or "").split())


@dataclass(frozen=True)
class Value:
    """What a key can hold, in the terms that a schema and an annotation have in common."""

    kind: str
    nullable: bool = False
    choices: frozenset[Any] | None = None
    typed_dict: Any = None
    items: "Value | None" = None

    def __str__(self) -> str:
        if self.items is None:
            return self.kind
        return f"array of {self.items} or null" if self.items.nullable else f"array of {self.items}"


def _value(annotation: Any) -> Value:
    if get_origin(annotation) is NotRequired:
        return _value(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        (inner,) = (argument for argument in get_args(annotation) if argument is not NoneType)
        plain = _value(inner)
        return Value(plain.kind, True, plain.choices, plain.typed_dict, plain.items)
    if get_origin(annotation) is Literal:
        return Value("string", choices=frozenset(get_args(annotation)))
    if get_origin(annotation) is list:
        return Value("array", items=_value(get_args(annotation)[0]))
    if annotation == dict[str, Any]:
        return Value("object")
    if is_typeddict(annotation):
        return Value("record", typed_dict=annotation)
    return Value({str: "string", int: "integer", float: "number", bool: "boolean", Any: "anything"}[annotation])


# What Clerk's schema says, with every shape that arrives at one TypedDict.


@dataclass
class Node:
    """A place in the schema, its references followed and its allOf and oneOf resolved."""

    kind: str | None
    nullable: bool
    choices: frozenset[Any] | None
    is_time: bool
    shapes: list[dict[str, Any]]
    items: Any = None


class Schema:
    def __init__(self, document: dict[str, Any]) -> None:
        self.named = document["schemas"]
        self.webhooks = {event_type: webhook["data"] for event_type, webhook in document["webhooks"].items()}

    def flat(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference and merge allOf: what is left has at most a oneOf, of shapes to choose from."""
        flat: dict[str, Any] = {"properties": {}, "required": []}
        parts = [self.flat(part) for part in schema.get("allOf", [])]
        if "$ref" in schema:
            parts.append(self.flat(self.named[schema["$ref"].rpartition("/")[2]]))
        for part in [*parts, schema]:
            flat |= {
                key: value for key, value in part.items() if key not in ("properties", "required", "$ref", "allOf")
            }
            flat["properties"] |= part.get("properties", {})
            flat["required"] += part.get("required", [])
        return flat

    def node(self, schema: dict[str, Any], key: str = "") -> Node:
        flat = self.flat(schema)
        kind = flat.get("type", "object" if flat["properties"] else None)
        choices = None
        if "enum" in flat and flat.get("x-speakeasy-unknown-values") != "allow":
            choices = frozenset(flat["enum"])
        is_time = kind == "integer" and (key.endswith("_at") or "Unix timestamp" in flat.get("description", ""))
        alternatives = [self.flat(alternative) for alternative in flat.get("oneOf", [])]
        shapes = alternatives or ([flat] if flat["properties"] else [])
        nullable = any(shape.get("nullable") for shape in [flat, *shapes])
        return Node("record" if shapes else kind, nullable, choices, is_time, shapes, flat.get("items"))


class Comparison:
    """Walks the payloads of all events, schema and types side by side, and tells every difference.

    Where several shapes of the schema are one TypedDict, a key of theirs is required if each of them requires it,
    nullable if one of them says so, and a closed choice, of all their values, if it is one in each.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.shapes: dict[str, list[dict[str, Any]]] = {}
        self.typed_dicts: dict[str, Any] = {}

    def reach(self, shapes: Iterable[dict[str, Any]], typed_dict: Any) -> None:
        name = typed_dict.__name__
        self.typed_dicts[name] = typed_dict
        hints = get_type_hints(typed_dict)
        for shape in shapes:
            if shape in self.shapes.setdefault(name, []):
                continue
            self.shapes[name].append(shape)
            for key, property_ in shape["properties"].items():
                if key in hints:
                    self.reach_inner(self.schema.node(property_, key), _value(hints[key]))

    def reach_inner(self, node: Node, value: Value) -> None:
        if node.kind == "array" and value.items is not None:
            self.reach_inner(self.schema.node(node.items), value.items)
        elif node.kind == "record" and value.typed_dict is not None:
            self.reach(node.shapes, value.typed_dict)

    def differences(self) -> set[str]:
        return {
            f"{name}.{key} {difference}"
            for name, typed_dict in self.typed_dicts.items()
            for key, difference in self._differences(name, typed_dict)
        }

    def _differences(self, name: str, typed_dict: Any) -> Iterator[tuple[str, str]]:
        hints = get_type_hints(typed_dict, include_extras=True)
        fields = _all_fields(name)
        shapes = self.shapes[name]
        described = {key for shape in shapes for key in shape["properties"]}
        yield from ((key, f"extra: {fields[key].annotation}") for key in hints.keys() - described)
        yield from ((key, "missing") for key in described - hints.keys())
        for key in hints.keys() & described:
            nodes = [self.schema.node(shape["properties"][key], key) for shape in shapes if key in shape["properties"]]
            value = _value(hints[key])
            if (get_origin(hints[key]) is not NotRequired) != all(key in shape["required"] for shape in shapes):
                yield key, "not required" if get_origin(hints[key]) is NotRequired else "required"
            if value.nullable != any(node.nullable for node in nodes):
                yield key, "nullable" if value.nullable else "not nullable"
            kinds = {self._kind(node) for node in nodes}
            if kinds != {str(value)}:
                yield key, f"{value} instead of {' or '.join(sorted(kinds))}"
            if value.choices != (choices := self._choices(nodes)):
                yield key, self._change(choices, value.choices)
            if _is_unix_millis(fields[key].annotation) != (is_time := any(node.is_time for node in nodes)):
                yield key, "int instead of UnixMillis" if is_time else "UnixMillis instead of int"

    def _kind(self, node: Node) -> str:
        if node.kind != "array":
            return str(node.kind)
        items = self.schema.node(node.items)
        return f"array of {self._kind(items)} or null" if items.nullable else f"array of {self._kind(items)}"

    @staticmethod
    def _choices(nodes: list[Node]) -> frozenset[Any] | None:
        choices: frozenset[Any] = frozenset()
        for node in nodes:
            if node.choices is None:
                return None
            choices |= node.choices
        return choices

    @staticmethod
    def _change(choices: frozenset[Any] | None, ours: frozenset[Any] | None) -> str:
        if ours is None:
            return f"any value instead of {_listed(choices or ())}"
        if choices is None:
            return f"only {_listed(ours)}"
        return _listed({f"+{value}" for value in ours - choices} | {f"-{value}" for value in choices - ours})

    def named_values(self, name: str, key: str) -> tuple[set[str], set[str]]:
        """Tell which values the schema names for a key: in enums, and in words, between quotes or backticks."""
        properties = [
            self.schema.flat(shape["properties"][key]) for shape in self.shapes[name] if key in shape["properties"]
        ]
        in_enums = {value for property_ in properties for value in property_.get("enum", ())}
        descriptions = "\n".join(property_.get("description", "") for property_ in properties)
        return in_enums, set(re.findall(r"[`\"]([^`\"\n]+)[`\"]", descriptions))


def _listed(values: Iterable[str]) -> str:
    return " ".join(sorted(values))


@pytest.fixture(scope="module")
def schema() -> Schema:
    if not SCHEMAS.exists():
        pytest.skip(f"Clerk's schema is no part of this repository; it was looked for in {SCHEMAS}.")
    return Schema(json.loads(SCHEMAS.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def comparison(schema: Schema) -> Comparison:
    comparison = Comparison(schema)
    comparison.reach([schema.flat(schema.named["WebhookEventPayload"])], types.WebhookEventJSON)
    for event_type, data in schema.webhooks.items():
        comparison.reach(schema.node(data).shapes, PAYLOADS[event_type])
    return comparison


# Where the types mean to differ from the schema: why, how exactly, and in which keys. What the schema doesn't have is
# pinned as it stands in the source: there is nothing else to hold it against.
_MEANT: dict[str, dict[str, dict[str, str]]] = {
    "Only Clerk's TypeScript has it.": {
        "extra: NotRequired[str]": {
            "BillingPayerJSON": "instance_id",
            "BillingPlanJSON": "description instance_id product_id",
            "BillingSubscriptionItemJSON": "proration_date",
            "BillingSubscriptionItemWebhookEventJSON": "proration_date",
            "EnterpriseAccountConnectionJSON": "object",
            "ExternalAccountJSON": "external_account_id",
            "IdentificationLinkJSON": "object",
            "PublicOrganizationDataJSON": "object",
            "VerificationJSON": "id",
        },
        "extra: NotRequired[bool]": {"BillingPlanJSON": "has_base_fee is_default publicly_visible"},
        "extra: NotRequired[int]": {
            "BillingPlanJSON": "annual_monthly_amount interval",
            "BillingSubscriptionItemJSON": "lifetime_paid next_payment_amount",
            "BillingSubscriptionItemWebhookEventJSON": "lifetime_paid next_payment_amount",
        },
        "extra: NotRequired[UnixMillis]": {
            "BillingSubscriptionItemJSON": "canceled_at next_payment_date past_due_at",
            "BillingSubscriptionItemWebhookEventJSON": "canceled_at next_payment_date past_due_at",
            "OrganizationDomainVerificationJSON": "expires_at",
        },
        "extra: NotRequired[Literal['month', 'annual']]": {
            "BillingPlanJSON": "period",
            "BillingSubscriptionItemJSON": "plan_period",
            "BillingSubscriptionItemWebhookEventJSON": "plan_period",
        },
        "extra: NotRequired[Literal['commerce_payment_attempt']]": {"BillingPaymentAttemptWebhookEventJSON": "object"},
        "extra: NotRequired[BillingMoneyAmountJSON]": {
            "BillingSubscriptionItemJSON": "amount",
            "BillingSubscriptionItemWebhookEventJSON": "amount",
        },
        "extra: NotRequired[BillingSubscriptionCreditJSON]": {"BillingSubscriptionItemWebhookEventJSON": "credit"},
        "extra: NotRequired[PublicOrganizationDataJSON | None]": {
            "OrganizationInvitationAcceptedJSON": "public_organization_data",
            "OrganizationInvitationJSON": "public_organization_data",
        },
    },
    "Clerk's TypeScript doesn't have it.": {
        "not required": {
            "BillingPaymentAttemptWebhookEventJSON": "invoice_id",
            "BillingSubscriptionItemJSON": "created_at interval updated_at",
            "BillingSubscriptionItemWebhookEventJSON": "created_at interval is_free_trial subscription_id updated_at",
            "EmailAddressJSON": "created_at reserved updated_at",
            "ExternalAccountJSON": "created_at updated_at",
            "OrganizationDomainJSON": "affiliation_verification ownership_verification",
            "OrganizationDomainVerificationJSON": "expire_at verified_at",
            "OrganizationInvitationAcceptedJSON": "data inviter_id public_inviter_data",
            "OrganizationInvitationJSON": "inviter_id public_inviter_data",
            "OrganizationMembershipPublicUserDataJSON": "profile_image_url",
            "PermissionJSON": "type",
            "PhoneNumberJSON": "created_at updated_at",
            "SMSMessageJSON": "created_at_ms",
            "UserJSON": "mfa_disabled_at mfa_enabled_at passkeys saml_accounts",
            "Web3WalletJSON": "created_at updated_at",
            "WebhookEventJSON": "instance_id timestamp",
        },
    },
    "Optional in Clerk's TypeScript.": {
        "not required": {
            "BillingPayerJSON": "first_name last_name organization_id organization_name user_id",
            "BillingPaymentAttemptWebhookEventJSON": "failed_at failed_reason paid_at",
            "BillingPaymentSourceJSON": "card_type gateway_external_account_id last4",
            "BillingSubscriptionItemJSON": "plan plan_id",
            "BillingSubscriptionItemWebhookEventJSON": "plan plan_id",
            "BillingSubscriptionWebhookEventJSON": "active_at canceled_at ended_at past_due_at",
            "EmailJSON": "data slug",
            "ExternalAccountJSON": "public_metadata",
            "SMSMessageJSON": "data",
        },
    },
    "Can be null in Clerk's TypeScript.": {
        "nullable": {
            "BillingSubscriptionItemJSON": "period_end",
            "EmailJSON": "data",
            "ExternalAccountJSON": "public_metadata",
            "InvitationJSON": "public_metadata",
            "OrganizationJSON": "public_metadata",
            "SMSMessageJSON": "data",
            "SessionJSON": "user",
            "UserJSON": "organization_memberships",
        },
    },
    "Null inside subscription.*, by what the schema says in words.": {
        "nullable": {"BillingSubscriptionItemWebhookEventJSON": "payer"},
    },
    "Clerk's TypeScript names more values.": {
        "+expired": {"BillingSubscriptionItemWebhookEventJSON": "status"},
        "+expired +upcoming": {"BillingSubscriptionWebhookEventJSON": "status"},
    },
    "session.pending has the status pending; the schema forgot it.": {
        "+pending": {"SessionJSON": "status"},
    },
    "What an object calls itself is closed, where the schema has any string or leaves it open.": {
        "only email_address": {"EmailAddressJSON": "object"},
        "only email": {"EmailJSON": "object"},
        "only sms_message": {"SMSMessageJSON": "object"},
        "only event": {"WebhookEventJSON": "object"},
    },
    "Closed in Clerk's TypeScript and in ten of the eleven shapes.": {
        "only expired failed transferable unverified verified": {"VerificationJSON": "status"},
    },
    "Recorded, though in neither source.": {
        "extra: NotRequired[str | None]": {
            "ExternalAccountJSON": "family_name given_name google_id picture",
            "OrganizationJSON": "logo_url",
            "UserJSON": "birthday gender",
        },
    },
    "Older recorded bodies lack it.": {
        "not required": {
            "ExternalAccountJSON": "first_name identification_id last_name provider provider_user_id",
            "UserJSON": "enterprise_accounts",
        },
    },
    'The Dashboard\'s "Send Example" lacks it.': {
        "not required": {"EmailJSON": "object", "SMSMessageJSON": "object"},
    },
    "All recorded bodies have it.": {
        "required": {"DeletedObjectJSON": "id"},
    },
    "The schema of the envelope leaves the payload to each event.": {
        "extra: Any": {"WebhookEventJSON": "data"},
    },
}
EXCEPTIONS: dict[str, str] = {
    f"{name}.{key} {difference}": reason
    for reason, differences in _MEANT.items()
    for difference, keys_of in differences.items()
    for name, keys in keys_of.items()
    for key in keys.split()
}


def test_every_difference_from_the_schema_is_listed(comparison: Comparison) -> None:
    assert sorted(comparison.differences() - EXCEPTIONS.keys()) == []


def test_every_listed_difference_from_the_schema_occurs(comparison: Comparison) -> None:
    assert sorted(EXCEPTIONS.keys() - comparison.differences()) == []


def test_every_typed_dict_was_held_against_the_schema(comparison: Comparison) -> None:
    assert comparison.typed_dicts.keys() == PUBLIC_TYPED_DICTS.keys()


def test_the_events_are_those_of_the_schema_and_one_of_typescript(schema: Schema) -> None:
    assert PAYLOADS.keys() - schema.webhooks.keys() == {"subscriptionItem.created"}
    assert schema.webhooks.keys() - PAYLOADS.keys() == set()


REQUIRED, OPTIONAL = True, False
Metadata = types.Metadata
VERIFICATION_OBJECTS = Literal[
    "verification_admin",
    "verification_email_link",
    "verification_from_oauth",
    "verification_google_one_tap",
    "verification_oauth",
    "verification_otp",
    "verification_passkey",
    "verification_saml",
    "verification_scim",
    "verification_ticket",
    "verification_web3",
]
ITEM_STATUSES = Literal["abandoned", "active", "canceled", "ended", "expired", "incomplete", "past_due", "upcoming"]


@pytest.mark.parametrize(
    ("typed_dict", "key", "required", "annotation"),
    [
        # Only one of the two has it.
        (types.UserJSON, "passkeys", OPTIONAL, list[types.PasskeyJSON]),
        (types.EmailAddressJSON, "reserved", OPTIONAL, bool),
        (types.ExternalAccountJSON, "external_account_id", OPTIONAL, str),
        (types.VerificationJSON, "id", OPTIONAL, str),
        (types.OrganizationInvitationAcceptedJSON, "data", OPTIONAL, types.OrganizationInvitationDataJSON),
        # One of the two requires it.
        (types.BillingPayerJSON, "organization_id", OPTIONAL, str),
        (
            types.OrganizationMembershipJSON,
            "public_user_data",
            OPTIONAL,
            types.OrganizationMembershipPublicUserDataJSON,
        ),
        # Both require it.
        (types.OrganizationInvitationAcceptedJSON, "user_id", REQUIRED, str),
        (types.OrganizationDomainJSON, "verification", REQUIRED, types.OrganizationDomainVerificationJSON | None),
        # One of the two has null.
        (types.UserJSON, "private_metadata", OPTIONAL, Metadata | None),
        (types.UserJSON, "organization_memberships", OPTIONAL, list[types.OrganizationMembershipJSON] | None),
        (types.SessionJSON, "user", REQUIRED, types.UserJSON | None),
        (types.BillingSubscriptionItemJSON, "period_end", REQUIRED, int | None),
        (types.OrganizationInvitationJSON, "expires_at", REQUIRED, int | None),
        (types.PhoneNumberJSON, "backup_codes", OPTIONAL, list[str] | None),
        # Both are closed: the union.
        (types.BillingSubscriptionWebhookEventJSON, "status", REQUIRED, ITEM_STATUSES),
        (
            types.ExternalAccountJSON,
            "object",
            REQUIRED,
            Literal["external_account", "facebook_account", "google_account"],
        ),
        # The schema is closed, TypeScript any string: the schema's.
        (types.BillingPaymentSourceJSON, "payment_method", REQUIRED, Literal["card", "link"]),
        (types.EnterpriseAccountJSON, "protocol", OPTIONAL, Literal["oauth", "saml"]),
        (types.VerificationJSON, "object", OPTIONAL, VERIFICATION_OBJECTS),
        # The schema has any string.
        (types.BillingPayeeJSON, "gateway_status", REQUIRED, str),
        (types.OrganizationInvitationAcceptedJSON, "status", OPTIONAL, str),
        # Recorded bodies.
        (types.DeletedObjectJSON, "id", REQUIRED, str),
        (types.OrganizationJSON, "logo_url", OPTIONAL, str | None),
        (types.UserJSON, "enterprise_accounts", OPTIONAL, list[types.EnterpriseAccountJSON]),
    ],
)
def test_the_sources_are_merged_by_the_rules(typed_dict: Any, key: str, required: bool, annotation: Any) -> None:
    assert get_type_hints(typed_dict)[key] == annotation
    assert (key in typed_dict.__required_keys__) is required


@pytest.mark.parametrize("typed_dict", PUBLIC_TYPED_DICTS.values())
def test_annotations_resolve_at_run_time(typed_dict: Any) -> None:
    hints = get_type_hints(typed_dict, include_extras=True)
    assert hints.keys() == _all_fields(typed_dict.__name__).keys()
    # Annotations kept as strings, by `from __future__ import annotations`, would make every key a required one.
    optional = {key for key, hint in hints.items() if get_origin(hint) is NotRequired}
    assert typed_dict.__optional_keys__ == optional
    assert typed_dict.__required_keys__ == hints.keys() - optional


def test_all_is_sorted_and_every_name_in_it_exists() -> None:
    assert types.__all__ == sorted(set(types.__all__))
    assert [name for name in types.__all__ if not hasattr(types, name)] == []


def test_every_public_name_is_exported() -> None:
    defined = {
        target.id
        for module in MODULES
        if module.name != "__init__.py"
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.AnnAssign) and isinstance(target := node.target, ast.Name)
    }
    assert {name for name in defined | CLASSES.keys() if not name.startswith("_")} == set(types.__all__)


def test_only_typing_is_imported() -> None:
    imported = {
        name.name if isinstance(node, ast.Import) else f"{'.' * node.level}{node.module or ''}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert {name for name in imported if not name.startswith(".")} == {"typing"}


ENVELOPE = {"WebhookEventJSON", "EventAttributesJSON", "HttpRequestJSON"}


def _carried(annotation: Any) -> Iterator[str]:
    value = _value(annotation)
    while value.items is not None:
        value = value.items
    if value.typed_dict is not None:
        yield value.typed_dict.__name__
        for inner in get_type_hints(value.typed_dict).values():
            yield from _carried(inner)


CARRIED_BY: dict[str, set[str]] = {}
for _event_type, _typed_dict in PAYLOADS.items():
    for _name in _carried(_typed_dict):
        CARRIED_BY.setdefault(_name, set()).add(_event_type)


@pytest.mark.parametrize("name", CLASSES)
def test_a_typed_dict_has_a_docstring_of_its_own(name: str) -> None:
    assert ast.get_docstring(CLASSES[name])


@pytest.mark.parametrize("name", sorted(PUBLIC_TYPED_DICTS.keys() - ENVELOPE))
def test_a_docstring_names_events_and_only_such_as_carry_the_type(name: str) -> None:
    patterns = re.findall(r"``(\w+\.[\w*]+)``", ast.get_docstring(CLASSES[name]) or "")
    named = {pattern: {known for known in PAYLOADS if fnmatchcase(known, pattern)} for pattern in patterns}
    assert named
    for pattern, event_types in named.items():
        assert event_types, f"no event is {pattern}"
        assert event_types <= CARRIED_BY[name], pattern


_IN_MILLISECONDS = "in milliseconds since the epoch"

# What is a number, or sounds like a time, and is no UnixMillis: its unit, as its docstring has it, or else `None`.
_NO_TIMES: dict[str | None, dict[str, str]] = {
    "in the smallest unit of the currency": {
        "BillingMoneyAmountJSON": "amount",
        "BillingPlanJSON": "amount annual_monthly_amount",
        "BillingPlanUnitPriceTierJSON": "amount_per_block",
        "BillingUnitTotalJSON": "amount total",
        "_SubscriptionItem": "lifetime_paid next_payment_amount",
    },
    "in seconds": {"UserJSON": "lockout_expires_in_seconds"},
    "in days": {"BillingSubscriptionCreditJSON": "cycle_days_remaining cycle_days_total"},
    "a fraction, 0.0 to 1.0": {"BillingSubscriptionCreditJSON": "cycle_remaining_percent"},
    "how many periods": {"BillingPlanJSON": "interval"},
    "a date as text": {"UserJSON": "birthday", "_SubscriptionItem": "proration_date"},
    "no time": {"VerificationJSON": "verified_at_client"},
    # Counts, and the numbers of blocks.
    None: {
        "BillingPlanUnitPriceJSON": "block_size",
        "BillingPlanUnitPriceTierJSON": "ends_after_block starts_at_block",
        "BillingSeatsJSON": "quantity",
        "BillingUnitTotalJSON": "quantity",
        "OrganizationDomainJSON": "total_pending_invitations total_pending_suggestions",
        "OrganizationDomainVerificationJSON": "attempts",
        "OrganizationJSON": "max_allowed_memberships members_count pending_invitations_count",
        "UserJSON": "create_organizations_limit verification_attempts_remaining",
        "VerificationJSON": "attempts",
    },
}
NO_TIMES: dict[tuple[str, str], str | None] = {
    (name, key): unit for unit, keys_of in _NO_TIMES.items() for name, keys in keys_of.items() for key in keys.split()
}
TIMES = [
    (name, key)
    for name, fields in OWN_FIELDS.items()
    for key, source_field in fields.items()
    if _is_unix_millis(source_field.annotation)
]


def test_every_number_and_all_that_sounds_like_a_time_is_one_or_is_listed_with_its_unit() -> None:
    words_of_time = {"at", "birthday", "date", "end", "ms", "start"}
    asked = {
        (name, key)
        for name, fields in OWN_FIELDS.items()
        for key, source_field in fields.items()
        if re.search(r"\b(int|float)\b", source_field.annotation) or words_of_time & set(key.split("_"))
    }
    assert sorted(asked - set(TIMES)) == sorted(NO_TIMES)


@pytest.mark.parametrize(("name", "key"), sorted(set(TIMES) - {("WebhookEventJSON", "timestamp")}))
def test_a_time_says_that_it_is_in_milliseconds(name: str, key: str) -> None:
    said = _said(OWN_FIELDS[name][key]).lower()
    assert _IN_MILLISECONDS in said
    assert not re.search(r"\bseconds\b", said)


def test_the_time_of_an_event_says_that_it_can_be_in_seconds() -> None:
    said = _said(OWN_FIELDS["WebhookEventJSON"]["timestamp"])
    assert "milliseconds since the epoch in deliveries, but seconds in the Dashboard" in said


@pytest.mark.parametrize(("name", "key"), NO_TIMES)
def test_what_is_no_time_says_its_unit_and_no_other(name: str, key: str) -> None:
    said = _said(OWN_FIELDS[name][key]).lower()
    units = [unit for unit in [*_NO_TIMES, _IN_MILLISECONDS] if unit is not None and unit in said]
    assert units == [unit for unit in [NO_TIMES[name, key]] if unit is not None]


# Values that docstrings name though the schema doesn't, by where they come from.
_NAMED_ELSEWHERE: dict[str, dict[str, str]] = {
    "Clerk's TypeScript, for servers or for browsers.": {
        "BillingPayeeJSON.gateway_status": "active disconnected pending restricted",
        "EnterpriseAccountConnectionJSON.protocol": "oauth saml",
        "OrganizationDomainVerificationJSON.strategy": "email_code legacy manual_override txt",
        "OrganizationInvitationAcceptedJSON.status": "accepted expired pending revoked",
        "OrganizationInvitationJSON.status": "accepted expired pending revoked",
        "PermissionJSON.type": "system user",
        "VerificationJSON.channel": "sms",
    },
    "The schema, in words beside another key.": {
        "BillingPaymentFailedReasonJSON.decline_code": "insufficient_funds",
        "OrganizationDomainVerificationJSON.strategy": "affiliation_email_code",
    },
    "The schema, as a pattern.": {
        "VerificationJSON.strategy": "from_oauth_<provider> oauth_<provider>",
    },
    "The schema's own examples, which are what the Dashboard sends.": {
        "BillingPayeeJSON.gateway_type": "stripe",
        "BillingSubscriptionItemJSON.object": "subscription_item",
        "BillingSubscriptionItemWebhookEventJSON.object": "subscription_item",
        "EmailJSON.slug": "verification_code",
        "EmailJSON.status": "queued",
        "PermissionJSON.type": "custom",
        "SMSMessageJSON.slug": "verification_code",
        "SMSMessageJSON.status": "queued",
        "SessionActivityJSON.object": "session_activity",
        "WaitlistEntryJSON.object": "waitlistEntry",
    },
    "Recorded bodies.": {
        "ExternalAccountJSON.external_account_id": "eac_...",
        "ExternalAccountJSON.id": "eac_... idn_...",
        "ExternalAccountJSON.identification_id": "idn_...",
        "ExternalAccountJSON.provider": "oauth_google",
        "IdentificationLinkJSON.type": "oauth_google",
    },
    "Whatever is of the right form.": {
        "DeletedObjectJSON.object": "organization user",
        "OrganizationDomainJSON.name": "example.com",
        "OrganizationInvitationAcceptedJSON.role": "org:member",
        "OrganizationInvitationJSON.role": "org:member",
        "OrganizationMembershipJSON.permissions": "org:sys_memberships:manage",
        "OrganizationMembershipJSON.role": "org:admin",
        "PermissionJSON.key": "org:invoices:read",
        "PhoneNumberJSON.phone_number": "+15555550100",
        "RoleJSON.key": "org:admin",
        "UserJSON.locale": "en-US",
        "WebhookEventJSON.type": "user.created",
    },
}
NAMED_ELSEWHERE = {
    f"{place} {value}"
    for values_of in _NAMED_ELSEWHERE.values()
    for place, values in values_of.items()
    for value in values.split()
}


def _matching(values: Iterable[str], named: str) -> list[str]:
    return filter_names(values, re.sub(r"<\w+>", "*", named))


def test_the_values_that_a_docstring_names_are_those_that_the_schema_names(comparison: Comparison) -> None:
    not_in_schema: set[str] = set()
    left_out: set[str] = set()
    for name, typed_dict in comparison.typed_dicts.items():
        hints = get_type_hints(typed_dict)
        for key, field in _all_fields(name).items():
            named = set(re.findall(r'`"([^"`]+)"`', _said(field)))
            in_enums, in_words = comparison.named_values(name, key)
            closed = _value(hints[key]).choices
            known = closed or in_enums | in_words
            not_in_schema |= {f"{name}.{key} {value}" for value in named if not _matching(known, value)}
            if (named or in_enums) and not closed and "such as" not in _said(field).lower():
                covered = {match for value in named for match in _matching(known, value)}
                left_out |= {f"{name}.{key} {value}" for value in known - covered}
    assert sorted(not_in_schema ^ NAMED_ELSEWHERE) == []
    # The schema has every passkey's nonce be the word itself, which must be a slip.
    assert sorted(left_out) == ["VerificationJSON.nonce nonce"]
