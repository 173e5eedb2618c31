"""Names that are part of what is stored."""

DEFAULT_COLLECTION_NAME = "default_collection"
