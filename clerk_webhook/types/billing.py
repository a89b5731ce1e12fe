"""The data of ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``.

Amounts of money are integers in the smallest unit of the currency: cents, for USD.
"""

from typing import Literal, NotRequired, TypeAlias, TypedDict

from .shared import UnixMillis

BillingSubscriptionItemStatus: TypeAlias = Literal[
    "abandoned", "active", "canceled", "ended", "expired", "incomplete", "past_due", "upcoming"
]
"""The statuses of a subscription item."""


class BillingMoneyAmountJSON(TypedDict):
    """An amount of money, in ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``."""

    amount: int
    """In the smallest unit of the currency."""

    amount_formatted: str
    """The amount as text for people. Calculate with `amount`."""

    currency: str
    """The ISO 4217 code, such as `"USD"`. It can be `""`."""

    currency_symbol: str
    """The symbol for people, such as `"$"`. Several currencies share it."""


class BillingPayerJSON(TypedDict):
    """The user or the organization that pays, in ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``.

    The keys of the other kind of payer are `""` or absent.
    """

    object: NotRequired[Literal["commerce_payer"]]

    id: str
    """`"cpayer_..."`."""

    instance_id: NotRequired[str]
    """In Clerk's TypeScript; in its schema until November 2025."""

    user_id: NotRequired[str]
    """`""` if an organization pays."""

    first_name: NotRequired[str]
    """`""` if an organization pays."""

    last_name: NotRequired[str]
    """`""` if an organization pays."""

    email: str

    organization_id: NotRequired[str]
    """`""` if a user pays."""

    organization_name: NotRequired[str]
    """`""` if a user pays."""

    image_url: str

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""


class BillingSubscriptionCreditJSON(TypedDict):
    """A credit for the unused part of the previous plan, in ``paymentAttempt.*``.

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
    """A credit from the payer's balance, in ``paymentAttempt.*``."""

    applied_amount: BillingMoneyAmountJSON

    remaining_balance: BillingMoneyAmountJSON


class BillingSubscriptionCreditsJSON(TypedDict):
    """All credits of a payment, in ``paymentAttempt.*``."""

    proration: NotRequired[BillingSubscriptionCreditJSON | None]
    """The credit for the unused part of the previous plan."""

    payer: NotRequired[BillingSubscriptionPayerCreditJSON | None]
    """The credit from the payer's balance."""

    total: BillingMoneyAmountJSON


class BillingPlanUnitPriceTierJSON(TypedDict):
    """A step of a price that depends on quantity, in ``subscription.*`` and ``subscriptionItem.*``."""

    starts_at_block: int
    """The number of the first block in this tier."""

    ends_after_block: int | None
    """The number of the last block in this tier. Null if the tier has no end."""

    amount_per_block: int
    """In the smallest unit of the currency."""

    currency: str
    """The ISO 4217 code, such as `"USD"`. It can be `""`."""


class BillingPlanUnitPriceJSON(TypedDict):
    """A price per unit, in ``subscription.*`` and ``subscriptionItem.*``."""

    name: str
    """The name of the unit, such as `"seats"`."""

    block_size: int
    """The number of units in a block."""

    tiers: list[BillingPlanUnitPriceTierJSON]


class BillingPlanJSON(TypedDict):
    """The plan of a subscription item, in ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``."""

    id: str
    """`"cplan_..."`."""

    slug: str

    name: str

    is_recurring: bool

    amount: int
    """The price of a period, in the smallest unit of the currency."""

    currency: str
    """The ISO 4217 code, such as `"USD"`. It can be `""`."""

    unit_prices: NotRequired[list[BillingPlanUnitPriceJSON]]
    """Only in ``subscription.*`` and ``subscriptionItem.*``, for plans with a price per unit."""

    instance_id: NotRequired[str]
    """In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    product_id: NotRequired[str]
    """`"cprd_..."`. In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    description: NotRequired[str | None]
    """In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    is_default: NotRequired[bool]
    """True for the plan of payers who chose none. In Clerk's TypeScript; in its schema until November 2025."""

    is_prorated: NotRequired[bool]
    """In Clerk's schema for paymentAttempt until November 2025, and still in the Dashboard's "Send Example"."""

    period: NotRequired[Literal["month", "annual"]]
    """In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    interval: NotRequired[int]
    """How many periods lie between two payments. In Clerk's TypeScript; in its schema for paymentAttempt until
    November 2025."""

    has_base_fee: NotRequired[bool]
    """In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    annual_monthly_amount: NotRequired[int]
    """The price of a month if paid by the year, in the smallest unit of the currency. In Clerk's TypeScript; in its
    schema for paymentAttempt until November 2025."""

    publicly_visible: NotRequired[bool]
    """In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""


class BillingSeatsJSON(TypedDict):
    """The seats of a subscription item, in ``subscription.*`` and ``subscriptionItem.*``."""

    quantity: int | None
    """The number of seats. Null means no limit."""


class _SubscriptionItem(TypedDict):
    """The common keys of subscription items in ``paymentAttempt.*``, ``subscription.*`` and ``subscriptionItem.*``."""

    id: str
    """`"csub_item_..."`."""

    status: BillingSubscriptionItemStatus
    """`"canceled"` items run to the end of their period. `"ended"` items were active once. `"abandoned"` items were
    replaced before their start. `"incomplete"` items wait for a payment."""

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    period_start: UnixMillis
    """In milliseconds since the epoch."""

    period_end: UnixMillis | None
    """In milliseconds since the epoch. Null for the default plan, which does not end."""

    plan_id: NotRequired[str | None]
    """`"cplan_..."`."""

    plan: NotRequired[BillingPlanJSON | None]

    plan_period: NotRequired[Literal["month", "annual"]]
    """The same as `interval`. In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    proration_date: NotRequired[str]
    """A date as text. In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    canceled_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch. In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    past_due_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch. In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    lifetime_paid: NotRequired[int]
    """The sum of all payments for the item, in the smallest unit of the currency. In Clerk's TypeScript; in its schema
    for paymentAttempt until November 2025."""

    next_payment_amount: NotRequired[int]
    """In the smallest unit of the currency. In Clerk's TypeScript; in its schema for paymentAttempt until November
    2025."""

    next_payment_date: NotRequired[UnixMillis]
    """In milliseconds since the epoch. In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""

    amount: NotRequired[BillingMoneyAmountJSON]
    """The price of a period. In Clerk's TypeScript; in its schema for paymentAttempt until November 2025."""


class BillingSubscriptionItemJSON(_SubscriptionItem):
    """A subscription item that a payment is for, in ``paymentAttempt.*``."""

    object: NotRequired[Literal["commerce_subscription_item", "subscription_item"]]
    """`"commerce_subscription_item"` since November 2025. Older bodies lack it, as the Dashboard's "Send Example"
    does."""

    interval: NotRequired[Literal["month", "annual"]]
    """The time between two payments."""

    subscription_id: NotRequired[str]
    """`"csub_..."`."""

    payer: NotRequired[BillingPayerJSON]

    credit: NotRequired[BillingSubscriptionCreditJSON]
    """Deprecated: use `credits`."""

    credits: NotRequired[BillingSubscriptionCreditsJSON | None]
    """All credits. Null if the payment has none."""


class BillingSubscriptionItemWebhookEventJSON(_SubscriptionItem):
    """A subscription item, in ``subscriptionItem.*`` and inside the subscriptions of ``subscription.*``."""

    object: Literal["commerce_subscription_item", "subscription_item"]
    """`"commerce_subscription_item"` since November 2025, `"subscription_item"` before and in Clerk's own examples."""

    is_free_trial: NotRequired[bool]
    """True if the item is in its free trial now."""

    interval: NotRequired[str]
    """The time between two payments: `"month"` or `"annual"`. Clerk may add to these."""

    subscription_id: NotRequired[str | None]
    """`"csub_..."`. Null inside ``subscription.*``."""

    payer: NotRequired[BillingPayerJSON | None]
    """Null or absent inside ``subscription.*``, because the subscription has a `payer`."""

    seats: NotRequired[BillingSeatsJSON]

    credit: NotRequired[BillingSubscriptionCreditJSON]
    """Clerk's TypeScript has this key; its schema has it for paymentAttempt."""


class BillingSubscriptionWebhookEventJSON(TypedDict):
    """The subscription of a user or an organization, in ``subscription.*``. Each payer has exactly one."""

    object: Literal["commerce_subscription"]

    id: str
    """`"csub_..."`."""

    status: BillingSubscriptionItemStatus
    """`"active"` or `"past_due"`. The other statuses belong to items."""

    active_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch. Null if the subscription was never active."""

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
    """The id of the last payment, `"cpa_..."`. Null if there was none."""

    payer_id: str
    """The id of `payer`, `"cpayer_..."`."""

    payer: BillingPayerJSON

    payment_source_id: str | None
    """The id of the payment method, `"cps_..."`. Null if none is on file."""

    items: list[BillingSubscriptionItemWebhookEventJSON]
    """Past, present and future items. Each has a `status` of its own."""


class BillingPaymentFailedReasonJSON(TypedDict):
    """The reason why a payment failed, in ``paymentAttempt.*``."""

    code: str
    """Such as `"card_declined"`. Clerk may add to these."""

    decline_code: str
    """The payment processor's own code, such as `"insufficient_funds"`."""


class BillingPayeeJSON(TypedDict):
    """The receiver of a payment, which is you, in ``paymentAttempt.*``."""

    id: str
    """`"cpayee_..."`."""

    gateway_type: str
    """Such as `"stripe"`."""

    gateway_external_id: str
    """The payment gateway's id of the receiver."""

    gateway_status: str
    """`"active"`, `"pending"`, `"restricted"` or `"disconnected"`. Clerk may add to these."""


class BillingUnitTotalJSON(TypedDict):
    """The total for one kind of unit in a payment, in ``paymentAttempt.*``."""

    name: NotRequired[str]
    """The name of the unit, such as `"seats"`."""

    amount: NotRequired[int]
    """The price of one unit, in the smallest unit of the currency."""

    quantity: NotRequired[int | None]
    """The number of units. Null means no limit."""

    total: NotRequired[int]
    """The price of all units, in the smallest unit of the currency."""

    currency: NotRequired[str]
    """The ISO 4217 code, such as `"USD"`. It can be `""`."""


class BillingTotalsJSON(TypedDict):
    """The totals of a payment, in ``paymentAttempt.*``."""

    subtotal: BillingMoneyAmountJSON

    tax_total: BillingMoneyAmountJSON

    grand_total: BillingMoneyAmountJSON

    per_unit_totals: NotRequired[list[BillingUnitTotalJSON]]


class BillingPaymentSourceJSON(TypedDict):
    """The payment method of a payment, in ``paymentAttempt.*``."""

    id: str
    """`"cps_..."`."""

    gateway: str
    """Such as `"stripe"`."""

    gateway_external_id: str
    """The payment gateway's id of the payment method."""

    gateway_external_account_id: NotRequired[str | None]

    payment_method: Literal["link", "card"]

    status: Literal["active", "disconnected"]

    card_type: NotRequired[str | None]
    """Such as `"visa"`. Null if the payment method is not a card."""

    last4: NotRequired[str | None]
    """The last four digits of the card. Null if the payment method is not a card."""


class BillingPaymentAttemptWebhookEventJSON(TypedDict):
    """An attempt at a payment, in ``paymentAttempt.*``."""

    object: NotRequired[Literal["commerce_payment_attempt"]]
    """Clerk's TypeScript has this key; its schema does not."""

    id: str
    """`"pa_..."`."""

    instance_id: str

    payment_id: str
    """The id of the payment, `"cpa_..."`."""

    invoice_id: NotRequired[str]
    """Deprecated: use `statement_id`."""

    statement_id: str
    """The id of the statement that lists the payment."""

    gateway_external_id: str
    """The payment gateway's id of the attempt."""

    status: Literal["pending", "paid", "failed"]

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""

    paid_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch. Null if the attempt has not succeeded."""

    failed_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch. Null if the attempt has not failed."""

    failed_reason: NotRequired[BillingPaymentFailedReasonJSON | None]
    """Null if the attempt has not failed."""

    billing_date: UnixMillis
    """The date that the payment is billed for, in milliseconds since the epoch."""

    charge_type: Literal["checkout", "recurring"]
    """`"checkout"` if the payer started the payment, `"recurring"` if it is a renewal."""

    payee: BillingPayeeJSON

    payer: BillingPayerJSON

    totals: BillingTotalsJSON

    payment_source: BillingPaymentSourceJSON

    subscription_items: list[BillingSubscriptionItemJSON]
