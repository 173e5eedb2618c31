"""The Firestore store: `FirestoreStore`, and the naming strategies of the 0.5 series."""

try:
    from key_value.aio.stores.firestore.names import (
        FirestoreV1CollectionSanitizationStrategy,
        FirestoreV1KeySanitizationStrategy,
    )
    from key_value.aio.stores.firestore.store import FirestoreStore
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("google", "grpc"):
        raise
    raise ImportError(
        "FirestoreStore needs google-cloud-firestore: pip install 'py-key-value-aio[firestore]'"
    ) from error

__all__ = [
    "FirestoreStore",
    "FirestoreV1CollectionSanitizationStrategy",
    "FirestoreV1KeySanitizationStrategy",
]
