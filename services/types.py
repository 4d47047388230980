"""The few types of the database that edges name, handed on so that they need not know it."""

from db.models import Address, Draft, Request

__all__ = ["Address", "Draft", "Request"]
