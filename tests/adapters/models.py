"""Types that are hard to store and read back."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    RootModel,
    SecretStr,
    Tag,
    computed_field,
    field_serializer,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import NotRequired, TypedDict

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"


class Plain(BaseModel):
    name: str
    born: int | None = None


class Anything(BaseModel):
    value: Any


class Aliased(BaseModel):
    foo_bar: int = Field(alias="fooBar")
    other: str = Field(
        validation_alias=AliasChoices("o", "otherName"), serialization_alias="out", default="x"
    )


class AliasedOnly(BaseModel):
    model_config = ConfigDict(serialize_by_alias=True, extra="forbid")
    foo_bar: int = Field(alias="fooBar")


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    when: datetime
    day: date
    lasting: timedelta
    id: uuid.UUID
    price: Decimal
    tags: set[str]
    pair: tuple[int, str]
    colour: Colour
    data: bytes


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    radius: float


class Square(BaseModel):
    kind: Literal["square"] = "square"
    side: float


Shape = Annotated[Circle | Square, Field(discriminator="kind")]


def _tag(value: Any) -> str:
    return (
        "circle" if isinstance(value, Circle) or (isinstance(value, dict) and "radius" in value) else "square"
    )


Tagged = Annotated[Annotated[Circle, Tag("circle")] | Annotated[Square, Tag("square")], Discriminator(_tag)]


class Box(BaseModel, Generic[T]):
    content: T
    shapes: list[Shape] = []


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    side: int

    @computed_field
    @property
    def area(self) -> int:
        return self.side**2


class Names(RootModel[list[str]]):
    pass


class Table(RootModel[dict[str, int]]):
    pass


class Typed(TypedDict):
    a: int
    b: NotRequired[str]


@dataclass
class Point:
    x: int
    y: int = 0
    labels: list[str] = field(default_factory=list)


@pydantic_dataclass
class Named:
    name: Annotated[str, Field(alias="n")]


STRICT = Strict(
    when=datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc),
    day=date(2020, 1, 2),
    lasting=timedelta(days=1, microseconds=1),
    id=uuid.UUID(int=1),
    price=Decimal("1.10"),
    tags={"a", "b"},
    pair=(1, "x"),
    colour=Colour.RED,
    data=b"bytes",
)


class Secret(BaseModel):
    name: str
    token: SecretStr


class RevealedSecret(Secret):
    @field_serializer("token", when_used="json")
    def reveal(self, token: SecretStr) -> str:
        return token.get_secret_value()


class Excluded(BaseModel):
    name: str
    token: str = Field(default="", exclude=True)


class ExcludedRequired(BaseModel):
    name: str
    token: str = Field(exclude=True)


class PlainWithMapping(Plain):
    more: dict[str, int]


class PlainWithMore(Plain):
    more: str = ""


class PlainWithMethods(Plain):
    def shout(self) -> str:
        return self.name.upper()


class Nested(BaseModel):
    people: list[Plain]


class WithPrivate(BaseModel):
    name: str
    _calls: int = PrivateAttr(default=0)

    def call(self) -> None:
        self._calls += 1


class Bounded(BaseModel):
    age: Annotated[int, Field(gt=0)]


class Opaque:
    """A class whose instances are compared by identity."""


class WithOpaque(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    inner: Annotated[Opaque, PlainSerializer(lambda _: "opaque"), PlainValidator(lambda _: Opaque())]


class Optionals(BaseModel):
    when: datetime | None = None
    score: float = 0.0
    id: uuid.UUID = Field(default_factory=uuid.uuid4)
