from django.db import models


class Member(models.Model):
    clerk_id = models.CharField(max_length=64, unique=True)
    email = models.CharField(max_length=254, null=True)  # noqa: DJ001  # Clerk knows none

    def __str__(self):
        return self.clerk_id
