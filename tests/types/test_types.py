"""The data types agree with Clerk's schema key by key, and their docstrings agree with both."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import filter as filter_names
from fnmatch import fnmatchcase
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from schema import SCHEMA, Node

from clerk_webhook import events, types
from clerk_webhook.events import data_type_of

MODULES = sorted(Path(types.__path__[0]).glob("*.py"))

PUBLIC_TYPED_DICTS: dict[str, Any] = {
    name: value for name in types.__all__ if is_typeddict(value := getattr(types, name, None))
}
DATA_TYPES: dict[str, Any] = {event_type: data_type_of(event_type) for event_type in events.EVENT_CLASSES}


# Only the source has docstrings of keys, and tells UnixMillis from int.


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
    """The values that a key can have, in terms that a schema and an annotation share."""

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


class Comparison:
    """A walk over the payloads of all events, schema and types side by side, that lists every difference.

    Several shapes of the schema can be one TypedDict. A key of theirs is required if each shape requires it, nullable
    if one shape says so, and a closed choice of all their values if it is closed in each shape.
    """

    def __init__(self) -> None:
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
                    self.reach_inner(SCHEMA.node(property_, key), _value(hints[key]))

    def reach_inner(self, node: Node, value: Value) -> None:
        if node.items is not None and value.items is not None:
            self.reach_inner(node.items, value.items)
        elif value.typed_dict is not None:
            self.reach(node.shapes.values(), value.typed_dict)

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
            nodes = [SCHEMA.node(shape["properties"][key], key) for shape in shapes if key in shape["properties"]]
            value = _value(hints[key])
            if (get_origin(hints[key]) is not NotRequired) != all(key in shape["required"] for shape in shapes):
                yield key, "not required" if get_origin(hints[key]) is NotRequired else "required"
            if value.nullable != any(node.nullable for node in nodes):
                yield key, "nullable" if value.nullable else "not nullable"
            kinds = {node.kind for node in nodes}
            if kinds != {str(value)}:
                yield key, f"{value} instead of {' or '.join(sorted(kinds))}"
            if value.choices != (choices := self._choices(nodes)):
                yield key, self._change(choices, value.choices)
            if _is_unix_millis(fields[key].annotation) != (is_time := any(node.is_time for node in nodes)):
                yield key, "int instead of UnixMillis" if is_time else "UnixMillis instead of int"

    @staticmethod
    def _choices(nodes: list[Node]) -> frozenset[Any] | None:
        choices: frozenset[Any] = frozenset()
        for node in nodes:
            if node.is_open or not node.known:
                return None
            choices |= node.known
        return choices

    @staticmethod
    def _change(choices: frozenset[Any] | None, ours: frozenset[Any] | None) -> str:
        if ours is None:
            return f"any value instead of {_listed(choices or ())}"
        if choices is None:
            return f"only {_listed(ours)}"
        return _listed({f"+{value}" for value in ours - choices} | {f"-{value}" for value in choices - ours})

    def named_values(self, name: str, key: str) -> tuple[set[str], set[str]]:
        """Return the values that the schema names for a key: in enums, and between quotes or backticks in words."""
        properties = [
            SCHEMA.flat(shape["properties"][key]) for shape in self.shapes.get(name, ()) if key in shape["properties"]
        ]
        in_enums = {value for property_ in properties for value in property_.get("enum", ())}
        descriptions = "\n".join(property_.get("description", "") for property_ in properties)
        return in_enums, set(re.findall(r"[`\"]([^`\"\n]+)[`\"]", descriptions))


def _listed(values: Iterable[str]) -> str:
    return " ".join(sorted(values))


COMPARISON = Comparison()
COMPARISON.reach([SCHEMA.flat(SCHEMA.payload)], types.WebhookEventJSON)
for _event_type in SCHEMA.webhooks.keys() & DATA_TYPES.keys():
    COMPARISON.reach(SCHEMA.node(SCHEMA.webhooks[_event_type]).shapes.values(), DATA_TYPES[_event_type])


LEFT_THE_SCHEMA = "Clerk's TypeScript has it, and the schema had it until November 2025."

# The intended differences from the schema: the reason, the difference, and its keys. A key that the schema lacks has
# its annotation here, because nothing else checks it.
_MEANT: dict[str, dict[str, dict[str, str]]] = {
    "Only Clerk's TypeScript has it.": {
        "extra: NotRequired[str | None]": {"EmailJSON": "suppression_reason", "UserJSON": "timezone"},
        "extra: NotRequired[str]": {
            "EnterpriseAccountConnectionJSON": "object",
            "ExternalAccountJSON": "external_account_id",
            "IdentificationLinkJSON": "object",
            "PublicOrganizationDataJSON": "object",
            "VerificationJSON": "id",
        },
        "extra: NotRequired[UnixMillis]": {"OrganizationDomainVerificationJSON": "expires_at"},
        "extra: NotRequired[Literal['commerce_payment_attempt']]": {"BillingPaymentAttemptWebhookEventJSON": "object"},
        "extra: NotRequired[BillingSubscriptionCreditJSON]": {"BillingSubscriptionItemWebhookEventJSON": "credit"},
        "extra: NotRequired[PublicOrganizationDataJSON | None]": {
            "OrganizationInvitationAcceptedJSON": "public_organization_data",
            "OrganizationInvitationJSON": "public_organization_data",
        },
        "extra: NotRequired[list[SessionTaskJSON] | None]": {"SessionJSON": "tasks"},
    },
    LEFT_THE_SCHEMA: {
        "extra: NotRequired[str]": {
            "BillingPayerJSON": "instance_id",
            "BillingPlanJSON": "instance_id product_id",
            "BillingSubscriptionItemJSON": "proration_date",
            "BillingSubscriptionItemWebhookEventJSON": "proration_date",
        },
        "extra: NotRequired[str | None]": {"BillingPlanJSON": "description"},
        "extra: NotRequired[bool]": {"BillingPlanJSON": "has_base_fee is_default publicly_visible"},
        "extra: NotRequired[int]": {
            "BillingPlanJSON": "annual_monthly_amount interval",
            "BillingSubscriptionItemJSON": "lifetime_paid next_payment_amount",
            "BillingSubscriptionItemWebhookEventJSON": "lifetime_paid next_payment_amount",
        },
        "extra: NotRequired[UnixMillis]": {
            "BillingSubscriptionItemJSON": "next_payment_date",
            "BillingSubscriptionItemWebhookEventJSON": "next_payment_date",
        },
        "extra: NotRequired[UnixMillis | None]": {
            "BillingSubscriptionItemJSON": "canceled_at past_due_at",
            "BillingSubscriptionItemWebhookEventJSON": "canceled_at past_due_at",
        },
        "extra: NotRequired[Literal['month', 'annual']]": {
            "BillingPlanJSON": "period",
            "BillingSubscriptionItemJSON": "plan_period",
            "BillingSubscriptionItemWebhookEventJSON": "plan_period",
        },
        "extra: NotRequired[BillingMoneyAmountJSON]": {
            "BillingSubscriptionItemJSON": "amount",
            "BillingSubscriptionItemWebhookEventJSON": "amount",
        },
    },
    "The schema lacked it until November 2025.": {
        "not required": {"BillingSubscriptionItemJSON": "object", "SessionJSON": "user"},
    },
    "The schema had the value until November 2025.": {
        "+subscription_item": {
            "BillingSubscriptionItemJSON": "object",
            "BillingSubscriptionItemWebhookEventJSON": "object",
        },
    },
    "Clerk's TypeScript lacks it.": {
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
        },
    },
    "Clerk's TypeScript has it as optional.": {
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
    "Clerk's TypeScript has null.": {
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
    "The schema says in words that it is null inside subscription.*.": {
        "nullable": {"BillingSubscriptionItemWebhookEventJSON": "payer"},
    },
    "Clerk's TypeScript names more values.": {
        "+expired": {"BillingSubscriptionItemWebhookEventJSON": "status"},
        "+expired +upcoming": {"BillingSubscriptionWebhookEventJSON": "status"},
    },
    "The schema lacks the status of session.pending.": {
        "+pending": {"SessionJSON": "status"},
    },
    "The schema has any text for `object`, or leaves it open.": {
        "only email_address": {"EmailAddressJSON": "object"},
        "only email": {"EmailJSON": "object"},
        "only sms_message": {"SMSMessageJSON": "object"},
        "only event": {"WebhookEventJSON": "object"},
    },
    "It is closed in Clerk's TypeScript and in ten of the eleven shapes.": {
        "only expired failed transferable unverified verified": {"VerificationJSON": "status"},
    },
    "Recorded bodies have it, but neither source does.": {
        "extra: NotRequired[str | None]": {
            "ExternalAccountJSON": "family_name given_name google_id picture",
            "OrganizationJSON": "logo_url",
            "UserJSON": "birthday gender",
        },
        "extra: NotRequired[bool]": {"UserJSON": "requires_password_reset"},
    },
    "Older recorded bodies lack it.": {
        "not required": {
            "ExternalAccountJSON": "first_name identification_id last_name provider provider_user_id",
            "UserJSON": "enterprise_accounts last_active_at legal_accepted_at locked lockout_expires_in_seconds "
            "verification_attempts_remaining",
            "WebhookEventJSON": "instance_id timestamp",
        },
    },
    'The Dashboard\'s "Send Example" differs.': {
        "not required": {"EmailJSON": "object", "SMSMessageJSON": "object"},
        "nullable": {"DeletedObjectJSON": "slug"},
        "extra: NotRequired[UnixMillis]": {"SMSMessageJSON": "created_at"},
        "extra: NotRequired[bool]": {"BillingPlanJSON": "is_prorated"},
        "+waitlistEntry": {"WaitlistEntryJSON": "object"},
    },
    "All recorded bodies have it.": {
        "required": {"DeletedObjectJSON": "id"},
    },
    "The schema of the body leaves the payload to each event.": {
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


def test_every_difference_from_the_schema_is_listed() -> None:
    assert sorted(COMPARISON.differences() - EXCEPTIONS.keys()) == []


def test_every_listed_difference_from_the_schema_occurs() -> None:
    assert sorted(EXCEPTIONS.keys() - COMPARISON.differences()) == []


def test_every_typed_dict_was_compared_with_the_schema() -> None:
    # The schema has no tasks, so nothing in it leads to their type.
    assert PUBLIC_TYPED_DICTS.keys() - COMPARISON.typed_dicts.keys() == {"SessionTaskJSON"}


def test_the_event_types_are_those_of_the_schema_and_one_of_typescript() -> None:
    assert DATA_TYPES.keys() - SCHEMA.webhooks.keys() == {"subscriptionItem.created"}
    assert SCHEMA.webhooks.keys() - DATA_TYPES.keys() == set()


def test_annotations_resolve_at_run_time() -> None:
    for typed_dict in PUBLIC_TYPED_DICTS.values():
        hints = get_type_hints(typed_dict, include_extras=True)
        assert hints.keys() == _all_fields(typed_dict.__name__).keys()
        # With `from __future__ import annotations`, annotations are strings, and every key counts as required.
        optional = {key for key, hint in hints.items() if get_origin(hint) is NotRequired}
        assert typed_dict.__optional_keys__ == optional, typed_dict


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


PAYLOAD_TYPES = {"WebhookEventJSON", "EventAttributesJSON", "HttpRequestJSON"}


def _carried(annotation: Any) -> Iterator[str]:
    value = _value(annotation)
    while value.items is not None:
        value = value.items
    if value.typed_dict is not None:
        yield value.typed_dict.__name__
        for inner in get_type_hints(value.typed_dict).values():
            yield from _carried(inner)


CARRIED_BY: dict[str, set[str]] = {}
for _event_type, _typed_dict in DATA_TYPES.items():
    for _name in _carried(_typed_dict):
        CARRIED_BY.setdefault(_name, set()).add(_event_type)


@pytest.mark.parametrize("name", sorted(PUBLIC_TYPED_DICTS.keys() - PAYLOAD_TYPES))
def test_a_docstring_names_only_events_that_carry_the_type(name: str) -> None:
    patterns = re.findall(r"``(\w+\.[\w*]+)``", ast.get_docstring(CLASSES[name]) or "")
    named = {pattern: {known for known in DATA_TYPES if fnmatchcase(known, pattern)} for pattern in patterns}
    assert named
    for pattern, event_types in named.items():
        assert event_types, f"no event is {pattern}"
        assert event_types <= CARRIED_BY[name], pattern


def test_a_key_that_left_the_schema_says_so() -> None:
    left = [
        (name, key)
        for keys_of in _MEANT[LEFT_THE_SCHEMA].values()
        for name, keys in keys_of.items()
        for key in keys.split()
    ]
    silent = [place for place in left if "until November 2025" not in _said(_all_fields(place[0])[place[1]])]
    assert silent == []


_IN_MILLISECONDS = "in milliseconds since the epoch"

# Keys that are numbers or sound like times but are no UnixMillis, by the unit in their docstring. Counts have none.
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
    "not a time": {"VerificationJSON": "verified_at_client"},
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


def test_every_number_is_a_time_or_is_listed_with_its_unit() -> None:
    words_of_time = {"at", "birthday", "date", "end", "ms", "start"}
    asked = {
        (name, key)
        for name, fields in OWN_FIELDS.items()
        for key, source_field in fields.items()
        if re.search(r"\b(int|float)\b", source_field.annotation) or words_of_time & set(key.split("_"))
    }
    assert sorted(asked - set(TIMES)) == sorted(NO_TIMES)


def test_a_time_says_that_it_is_in_milliseconds() -> None:
    said = {(name, key): _said(OWN_FIELDS[name][key]).lower() for name, key in TIMES}
    assert [place for place, text in said.items() if _IN_MILLISECONDS not in text] == []
    # The one that can be in seconds.
    assert [place for place, text in said.items() if re.search(r"\bseconds\b", text)] == [
        ("WebhookEventJSON", "timestamp")
    ]


def test_a_number_that_is_no_time_says_its_unit_and_no_other() -> None:
    for (name, key), unit in NO_TIMES.items():
        said = _said(OWN_FIELDS[name][key]).lower()
        assert [each for each in [*_NO_TIMES, _IN_MILLISECONDS] if each and each in said] == ([unit] if unit else [])


# Values that docstrings name and the schema does not, by their origin.
_NAMED_ELSEWHERE: dict[str, dict[str, str]] = {
    "Clerk's TypeScript, for servers or browsers.": {
        "BillingPayeeJSON.gateway_status": "active disconnected pending restricted",
        "EnterpriseAccountConnectionJSON.protocol": "oauth saml",
        "OrganizationDomainVerificationJSON.strategy": "email_code legacy manual_override txt",
        "OrganizationInvitationAcceptedJSON.status": "accepted expired pending revoked",
        "OrganizationInvitationJSON.status": "accepted expired pending revoked",
        "PermissionJSON.type": "system user",
        "SessionTaskJSON.key": "choose-organization reset-password setup-mfa",
        "VerificationJSON.channel": "sms",
    },
    "The schema's description of another key.": {
        "BillingPaymentFailedReasonJSON.decline_code": "insufficient_funds",
        "OrganizationDomainVerificationJSON.strategy": "affiliation_email_code",
    },
    "A pattern in the schema.": {
        "VerificationJSON.strategy": "from_oauth_<provider> oauth_<provider>",
    },
    "The schema's own examples, which the Dashboard sends.": {
        "BillingPayeeJSON.gateway_type": "stripe",
        "EmailJSON.slug": "verification_code",
        "EmailJSON.status": "queued",
        "PermissionJSON.type": "custom",
        "SMSMessageJSON.slug": "verification_code",
        "SMSMessageJSON.status": "queued",
        "SessionActivityJSON.object": "session_activity",
    },
    "Recorded bodies.": {
        "ExternalAccountJSON.provider": "oauth_google",
        "IdentificationLinkJSON.type": "oauth_google",
    },
    "Any value of the right form.": {
        "BillingUnitTotalJSON.currency": "USD",
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


def test_the_values_that_a_docstring_names_are_those_that_the_schema_names() -> None:
    not_in_schema: set[str] = set()
    left_out: set[str] = set()
    for name, typed_dict in PUBLIC_TYPED_DICTS.items():
        hints = get_type_hints(typed_dict)
        for key, field in _all_fields(name).items():
            # The samples check the prefixes of ids.
            named = {value for value in re.findall(r'`"([^"`]+)"`', _said(field)) if not value.endswith("_...")}
            in_enums, in_words = COMPARISON.named_values(name, key)
            closed = _value(hints[key]).choices
            known = closed or in_enums | in_words
            not_in_schema |= {f"{name}.{key} {value}" for value in named if not _matching(known, value)}
            if (named or in_enums) and not closed and "such as" not in _said(field).lower():
                covered = {match for value in named for match in _matching(known, value)}
                left_out |= {f"{name}.{key} {value}" for value in known - covered}
    assert sorted(not_in_schema ^ NAMED_ELSEWHERE) == []
    # The schema allows only the word "nonce" as the nonce of a passkey, which must be a slip.
    assert sorted(left_out) == ["VerificationJSON.nonce nonce"]
