"""Payloads of ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``.

Amounts of money are integers in the smallest unit of the currency: cents, for USD.
"""

from typing import Literal, NotRequired, TypeAlias, TypedDict

from .shared import UnixMillis

BillingSubscriptionItemStatus: TypeAlias = Literal[
    "abandoned", "active", "canceled", "ended", "expired", "incomplete", "past_due", "upcoming"
]
"""`"canceled"` still runs to the end of its period, `"ended"` has run out; `"abandoned"` never started."""


class BillingMoneyAmountJSON(TypedDict):
    """An amount of money, in ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``."""

    amount: int
    """In the smallest unit of the currency."""

    amount_formatted: str
    """For people: calculate with `amount`, and parse nothing out of this."""

    currency: str
    """The ISO 4217 code: `"USD"`."""

    currency_symbol: str
    """For people, such as `"$"`: several currencies share it."""


class BillingPayerJSON(TypedDict):
    """Who pays, a user or an organization, in ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``.

    What belongs to the other kind of payer is `""` or absent.
    """

    object: NotRequired[Literal["commerce_payer"]]

    id: str

    instance_id: NotRequired[str]

    user_id: NotRequired[str]
    """`""` stands for null: see the class."""

    first_name: NotRequired[str]

    last_name: NotRequired[str]

    email: str

    organization_id: NotRequired[str]
    """`""` stands for null: see the class."""

    organization_name: NotRequired[str]

    image_url: str

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""


class BillingSubscriptionCreditJSON(TypedDict):
    """What is credited for the unused part of a plan that was left, in ``paymentAttempt.*``.

    Clerk's TypeScript has it in ``subscriptionItem.*`` too.
    """

    amount: BillingMoneyAmountJSON

    cycle_days_remaining: int
    """In days."""

    cycle_days_total: int
    """In days."""

    cycle_remaining_percent: float
    """A fraction, 0.0 to 1.0."""


class BillingSubscriptionPayerCreditJSON(TypedDict):
    """What is taken from the payer's balance, in ``paymentAttempt.*``."""

    applied_amount: BillingMoneyAmountJSON

    remaining_balance: BillingMoneyAmountJSON


class BillingSubscriptionCreditsJSON(TypedDict):
    """All that is credited, in ``paymentAttempt.*``."""

    proration: NotRequired[BillingSubscriptionCreditJSON | None]
    """For the unused part of a plan that was left in mid-period."""

    payer: NotRequired[BillingSubscriptionPayerCreditJSON | None]
    """From the payer's balance."""

    total: BillingMoneyAmountJSON


class BillingPlanUnitPriceTierJSON(TypedDict):
    """A step of a price that depends on quantity, in ``subscription.*`` and ``subscriptionItem.*``."""

    starts_at_block: int

    ends_after_block: int | None
    """Null where there is no upper end."""

    amount_per_block: int
    """In the smallest unit of the currency."""

    currency: str
    """The ISO 4217 code."""


class BillingPlanUnitPriceJSON(TypedDict):
    """A price per unit, in ``subscription.*`` and ``subscriptionItem.*``."""

    name: str
    """What is counted, such as `"seats"`."""

    block_size: int
    """How many units are one block."""

    tiers: list[BillingPlanUnitPriceTierJSON]


class BillingPlanJSON(TypedDict):
    """The plan of a subscription item, in ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``."""

    id: str

    slug: str

    name: str

    is_recurring: bool

    amount: int
    """The price of a period, in the smallest unit of the currency."""

    currency: str
    """The ISO 4217 code."""

    unit_prices: NotRequired[list[BillingPlanUnitPriceJSON]]
    """Only in ``subscription.*`` and ``subscriptionItem.*``, for plans that have them."""

    instance_id: NotRequired[str]

    product_id: NotRequired[str]

    description: NotRequired[str]

    is_default: NotRequired[bool]
    """Whether it is what payers have who chose none."""

    period: NotRequired[Literal["month", "annual"]]

    interval: NotRequired[int]
    """How many periods lie between two payments."""

    has_base_fee: NotRequired[bool]

    annual_monthly_amount: NotRequired[int]
    """The price of a month when paid by the year, in the smallest unit of the currency."""

    publicly_visible: NotRequired[bool]


class BillingSeatsJSON(TypedDict):
    """How many seats an item covers, in ``subscription.*`` and ``subscriptionItem.*``."""

    quantity: int | None
    """Null is no limit."""


class _SubscriptionItem(TypedDict):
    """What an item has alike in ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``."""

    object: Literal["commerce_subscription_item"]
    """The Dashboard's "Send Example" writes `"subscription_item"`."""

    id: str

    status: BillingSubscriptionItemStatus
    """`"canceled"` still runs to the end of its period, `"ended"` has run out; `"abandoned"` never started."""

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    period_start: UnixMillis
    """In milliseconds since the epoch."""

    period_end: UnixMillis | None
    """In milliseconds since the epoch; null for the default plan, which doesn't end."""

    plan_id: NotRequired[str | None]

    plan: NotRequired[BillingPlanJSON | None]

    plan_period: NotRequired[Literal["month", "annual"]]
    """In Clerk's TypeScript; its schema has `interval` instead."""

    proration_date: NotRequired[str]
    """A date as text."""

    canceled_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    past_due_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    credit: NotRequired[BillingSubscriptionCreditJSON]
    """Deprecated: `credits`, where there is one, has all of them."""

    lifetime_paid: NotRequired[int]
    """What was paid for it so far, in the smallest unit of the currency."""

    next_payment_amount: NotRequired[int]
    """In the smallest unit of the currency."""

    next_payment_date: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    amount: NotRequired[BillingMoneyAmountJSON]
    """The price of a period."""


class BillingSubscriptionItemJSON(_SubscriptionItem):
    """An item of a subscription as a payment has it: inside ``paymentAttempt.*``."""

    interval: NotRequired[Literal["month", "annual"]]
    """How often it is paid."""

    subscription_id: NotRequired[str]

    payer: NotRequired[BillingPayerJSON]

    credits: NotRequired[BillingSubscriptionCreditsJSON | None]
    """All that is credited; null where nothing is."""


class BillingSubscriptionItemWebhookEventJSON(_SubscriptionItem):
    """An item of a subscription: ``subscriptionItem.*``, and inside ``subscription.*``."""

    is_free_trial: NotRequired[bool]
    """Whether it is in its free trial now."""

    interval: NotRequired[str]
    """How often it is paid: `"month"` or `"annual"`. Clerk may add to these."""

    subscription_id: NotRequired[str | None]
    """Null inside ``subscription.*``."""

    payer: NotRequired[BillingPayerJSON | None]
    """Null or absent inside ``subscription.*``, which has a `payer` of its own."""

    seats: NotRequired[BillingSeatsJSON]


class BillingSubscriptionWebhookEventJSON(TypedDict):
    """What a user or an organization is subscribed to: ``subscription.*``."""

    object: Literal["commerce_subscription"]

    id: str

    status: BillingSubscriptionItemStatus
    """Clerk's schema has neither `"expired"` nor `"upcoming"` here; its TypeScript does."""

    active_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch; null where it never was active."""

    canceled_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    ended_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""

    past_due_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""

    latest_payment_id: str | None
    """The id of the last payment attempt; null where there was none."""

    payer_id: str
    """The id of `payer`."""

    payer: BillingPayerJSON

    payment_source_id: str | None
    """What is paid with; null where nothing is on file."""

    items: list[BillingSubscriptionItemWebhookEventJSON]
    """Past, present and future items: each has a `status` of its own."""


class BillingPaymentFailedReasonJSON(TypedDict):
    """Why a payment failed, in ``paymentAttempt.*``."""

    code: str
    """Such as `"card_declined"`. Clerk may add to these."""

    decline_code: str
    """What the payment processor says to it, such as `"insufficient_funds"`."""


class BillingPayeeJSON(TypedDict):
    """Who is paid, you, in ``paymentAttempt.*``."""

    id: str

    gateway_type: str
    """Such as `"stripe"`."""

    gateway_external_id: str
    """The payment gateway's id for you."""

    gateway_status: str
    """`"active"`, `"pending"`, `"restricted"` or `"disconnected"`. Clerk may add to these."""


class BillingUnitTotalJSON(TypedDict):
    """What a payment asks for one kind of unit, in ``paymentAttempt.*``."""

    name: NotRequired[str]
    """What is counted, such as `"seats"`."""

    amount: NotRequired[int]
    """The price of one, in the smallest unit of the currency."""

    quantity: NotRequired[int | None]
    """Null is no limit."""

    total: NotRequired[int]
    """The price of all, in the smallest unit of the currency."""

    currency: NotRequired[str]
    """The ISO 4217 code."""


class BillingTotalsJSON(TypedDict):
    """What a payment adds up to, in ``paymentAttempt.*``."""

    subtotal: BillingMoneyAmountJSON

    tax_total: BillingMoneyAmountJSON

    grand_total: BillingMoneyAmountJSON

    per_unit_totals: NotRequired[list[BillingUnitTotalJSON]]


class BillingPaymentSourceJSON(TypedDict):
    """What is paid with, in ``paymentAttempt.*``."""

    id: str

    gateway: str
    """Such as `"stripe"`."""

    gateway_external_id: str
    """The payment gateway's id for it."""

    gateway_external_account_id: NotRequired[str | None]

    payment_method: Literal["link", "card"]

    status: Literal["active", "disconnected"]

    card_type: NotRequired[str | None]
    """Such as `"visa"`; null where it is no card."""

    last4: NotRequired[str | None]
    """The last four digits of the card; null where it is no card."""


class BillingPaymentAttemptWebhookEventJSON(TypedDict):
    """A payment, from its start to its success or failure: ``paymentAttempt.*``."""

    object: NotRequired[Literal["commerce_payment_attempt"]]
    """In Clerk's TypeScript; its schema has none."""

    id: str

    instance_id: str

    payment_id: str
    """The payment that this is an attempt at."""

    invoice_id: NotRequired[str]
    """Deprecated: `statement_id` is what there is now."""

    statement_id: str
    """The statement that lists the payment."""

    gateway_external_id: str
    """The payment gateway's id for it."""

    status: Literal["pending", "paid", "failed"]

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""

    paid_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch; null where it isn't paid."""

    failed_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch; null where it hasn't failed."""

    failed_reason: NotRequired[BillingPaymentFailedReasonJSON | None]
    """Null where it hasn't failed."""

    billing_date: UnixMillis
    """Which day it is billed for, in milliseconds since the epoch."""

    charge_type: Literal["checkout", "recurring"]
    """`"checkout"` is started by the payer, `"recurring"` is a renewal."""

    payee: BillingPayeeJSON

    payer: BillingPayerJSON

    totals: BillingTotalsJSON

    payment_source: BillingPaymentSourceJSON

    subscription_items: list[BillingSubscriptionItemJSON]
