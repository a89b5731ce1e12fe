"""The Django app of docs/how-to/django.md, because a model cannot be declared outside of an app."""
