"""One validation for every file that people write: settings, prices and budgets.

A file's form is a pydantic model made of `FileModel`. `validate` checks a document against it and
returns every mistake at once, each with its line, its path and what to do about it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Self, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from processor.core.errors import Problem
from processor.core.files.checks import (
    PARENT,
    InvalidValueError,
    UnknownKeyError,
    flag,
    optional,
    shown,
    text,
    whole,
)
from processor.core.files.document import Document, Map, Path
from processor.core.files.location import path_in, present, untagged, without
from processor.core.files.similar import nearest

Text = Annotated[str, PlainValidator(text)]
OptionalText = Annotated[str, PlainValidator(optional(text))]
Flag = Annotated[bool, PlainValidator(flag)]
Whole = Annotated[int, BeforeValidator(whole)]

Hint = Callable[[Path], str]
"""What to do about an unknown key, by its path; ``""`` where its name says all there is to say."""


class FileModel(BaseModel):
    """A map in a file. Other keys than its fields are mistakes, an empty value is an absent one.

    The aliases of its fields are the names that stand in the file. A field's description says
    what it is for; where the field is required, it also says what to do when it is missing.
    """

    # Built when a file is first read: a form within another needs no validator of its own.
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    _place: Path = PrivateAttr(())

    @model_validator(mode="wrap")
    @classmethod
    def _from_file(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        declared = keys_of(cls)
        given = value
        if value is None:
            given = {}
        elif isinstance(value, dict):
            given = {k: v for k, v in value.items() if v is not None or k not in declared}
        form = handler(given)
        form._place = value.path if isinstance(value, Map) else ()  # noqa: SLF001 - its own
        return form

    @property
    def place(self) -> Path:
        """The path of this map in its file; empty where the file does not have it."""
        return self._place


Form = TypeVar("Form", bound=FileModel)


def section(kind: type[Form]) -> Form:  # noqa: ARG001 - the type of what is declared
    """Declare a map within a map; where it is absent, all of it has its defaults."""
    declared: Form = Field(default_factory=dict, validate_default=True)
    return declared


@functools.cache
def keys_of(model: type[FileModel]) -> Mapping[str, FieldInfo]:
    """The fields of a model by the names that stand in a file, in order."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def validate(
    document: Document,
    model: type[Form],
    hint: Hint | None = None,
    context: Mapping[str, Any] | None = None,
) -> tuple[Form, list[Problem]]:
    """The document in the form of `model`, and every problem found, by line.

    Checks find `context` in the `ValidationInfo` that they may take.

    Where there are problems, the form lacks what is wrong: the whole item where that stands in a
    list. So what concerns several items can still be checked, and reported with the rest.
    """
    value = document.root
    problems: list[Problem] = []
    while True:
        try:
            return model.model_validate(value, context=context), problems
        except ValidationError as error:
            if value is None:
                raise  # Not the file's mistake: an empty file has to fit its form.
            found = list(_explained(error.errors(include_url=False), model, hint))
            problems = problems or _by_line(document, found)
            value = without(value, [present(value, path) for path, _, _ in found])


def _by_line(document: Document, found: Sequence[tuple[Path, str, str]]) -> list[Problem]:
    placed = [(path_in(document.root, path), what, fix) for path, what, fix in found]
    placed.sort(key=lambda each: document.line(each[0]))
    return [document.problem(*each) for each in placed]


def explain(
    error: ValidationError,
    model: type[FileModel],
    where: Callable[[Path], str],
    hint: Hint | None = None,
) -> list[Problem]:
    """Pydantic's errors as problems; `where` names the place of a path. Shows no secret."""
    mistakes = error.errors(include_url=False)
    return [
        Problem(where(path), what, fix) for path, what, fix in _explained(mistakes, model, hint)
    ]


def _explained(
    mistakes: Sequence[ErrorDetails], model: type[FileModel], hint: Hint | None
) -> Iterator[tuple[Path, str, str]]:
    for mistake in mistakes:
        path = untagged(mistake["loc"])
        wrong = mistake.get("ctx", {}).get("error")
        if isinstance(wrong, InvalidValueError):
            at = wrong.at
            while at and at[0] == PARENT:
                path, at = path[:-1], at[1:]
            path += at
        if mistake["type"] == "extra_forbidden" or isinstance(wrong, UnknownKeyError):
            known = wrong.known if isinstance(wrong, UnknownKeyError) else ()
            fix = (hint and hint(path)) or _key_fix(model, path, known)
            yield path, "unknown key", fix
        elif isinstance(wrong, InvalidValueError):
            yield path, wrong.what, wrong.fix
        elif mistake["type"] == "missing":
            field = _field_at(model, path)
            yield path, "is missing", (field and field.description) or ""
        else:
            yield path, *_reworded(mistake)


def _reworded(mistake: ErrorDetails) -> tuple[str, str]:
    """A mistake that pydantic itself has found: what is wrong, and what to do."""
    got, limits = shown(mistake["input"]), mistake.get("ctx", {})
    match mistake["type"]:
        case "model_type" | "dict_type":
            return f"must be a map, got {got}", "write it as `key: value` lines"
        case "list_type":
            return f"must be a list, got {got}", "begin each item with a dash"
        case "greater_than_equal":
            return f"must be at least {limits['ge']}, got {got}", ""
        case "less_than_equal":
            return f"must be at most {limits['le']}, got {got}", ""
        case _:
            return mistake["msg"], ""


def _key_fix(model: type[FileModel], path: Path, known: Collection[str]) -> str:
    """What to do about an unknown key: the known one that it is like, or all of them."""
    above = _model_at(model, path[:-1])
    names = [*known, *(keys_of(above) if above else ())]
    near = nearest(str(path[-1]), names)
    return f"did you mean {near}?" if near else f"known keys: {', '.join(names)}"


def _field_at(model: type[FileModel], path: Path) -> FieldInfo | None:
    above = _model_at(model, path[:-1])
    return keys_of(above).get(str(path[-1])) if above else None


def _model_at(kind: Any, path: Path) -> type[FileModel] | None:  # noqa: ANN401 - any annotation
    """The model that a path leads to, from a model or another annotation."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {Annotated, Union, UnionType}:
        return next(filter(None, (_model_at(part, path) for part in parts)), None)
    if origin is list:
        return _model_at(parts[0], path[1:] if path and isinstance(path[0], int) else path)
    if origin is dict:
        return _model_at(parts[1], path[1:])
    model = kind if isinstance(kind, type) and issubclass(kind, FileModel) else None
    if model is None or not path:
        return model
    field = keys_of(model).get(str(path[0]))
    return _model_at(field.annotation, path[1:]) if field else None
