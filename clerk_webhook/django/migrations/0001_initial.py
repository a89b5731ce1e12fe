from collections.abc import Sequence
from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


def leave_out_indexes_for_like(_: object, schema_editor: Any) -> None:
    """Forget the indexes for LIKE that Django adds to text keys on PostgreSQL: nobody looks for the start of an id."""
    schema_editor.deferred_sql = [sql for sql in schema_editor.deferred_sql if "_like" not in str(sql)]


class Migration(migrations.Migration):
    initial: ClassVar[bool | None] = True

    dependencies: ClassVar[Sequence[tuple[str, str]]] = []

    operations: ClassVar[Sequence[Operation]] = [
        migrations.CreateModel(
            name="ClerkOrganization",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("version", models.TextField(default="")),
                ("seen_at", models.BigIntegerField(default=0)),
                ("name", models.TextField(null=True)),
                ("slug", models.TextField(null=True)),
            ],
            options={
                "db_table": "clerk_organizations",
            },
        ),
        migrations.CreateModel(
            name="ClerkUser",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("version", models.TextField(default="")),
                ("seen_at", models.BigIntegerField(default=0)),
                ("email", models.TextField(null=True)),
                ("first_name", models.TextField(null=True)),
                ("last_name", models.TextField(null=True)),
            ],
            options={
                "db_table": "clerk_users",
            },
        ),
        migrations.CreateModel(
            name="InboxRecord",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "kind", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.TextField()),
                ("id", models.TextField()),
                ("version", models.TextField()),
                ("seen_at", models.BigIntegerField()),
            ],
            options={
                "db_table": "clerk_webhook_inbox",
            },
        ),
        migrations.CreateModel(
            name="ClerkMembership",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("version", models.TextField(default="")),
                ("seen_at", models.BigIntegerField(default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="memberships",
                        to="clerk_webhook.clerkorganization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="memberships",
                        to="clerk_webhook.clerkuser",
                    ),
                ),
                ("role", models.TextField(null=True)),
            ],
            options={
                "db_table": "clerk_memberships",
                "indexes": [
                    models.Index(fields=["organization"], name="clerk_memberships_organization"),
                    models.Index(fields=["user"], name="clerk_memberships_user"),
                ],
            },
        ),
        migrations.RunPython(leave_out_indexes_for_like, migrations.RunPython.noop),
    ]
