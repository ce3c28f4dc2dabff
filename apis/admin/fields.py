"""Form fields for what the control plane keeps as JSON: rows, tags, choices by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.forms.utils import pretty_name
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from apis.errors import Invalid, ServiceError
from apis.saying import all_said, said
from apis.words import Text as Sentence
from apis.words import phrase

_WHOLE = re.compile(r"-?\d{1,30}")
_BLANK_ROWS = 2
_CELL = " ".join(word for word in INPUT_CLASSES if ".errors" not in word)  # one wrong cell does not redden the others


class Unasking:
    """A form where nothing is required by Django: what must not be empty, and in which words, is the service's to say.

    Attributes:
        mandatory: the fields that get the star all the same.
        places: the field for a path of the service that has another name.
    """

    mandatory: ClassVar[tuple[str, ...]] = ()
    places: ClassVar[dict[str, str]] = {}
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ask(True)
        for name, field in self.fields.items():
            field.label = said(pretty_name(name) if field.label is None else field.label)
            field.help_text = said(field.help_text)
            if isinstance(field, forms.ModelChoiceField):
                field.empty_label = said(field.empty_label or "") or None
            if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
                field.choices = said_choices(list(field.choices))  # type: ignore[arg-type]  # no form has groups of them

    def _ask(self, stars: bool) -> None:
        for name, field in self.fields.items():
            field.required = stars and name in self.mandatory

    def _clean_fields(self) -> None:
        self._ask(False)
        super()._clean_fields()  # type: ignore[misc]
        self._ask(True)


def said_choices(choices: Iterable[Any]) -> list[Any]:
    """Choices in the language of this page. One whose label is its value is somebody's own name, and stays."""
    return [
        (value, said(label) if label != value or isinstance(label, Sentence) else label) for value, label in choices
    ]


def show_refusal(form: Any, refusal: ServiceError) -> None:
    """Put what a service refused beside the fields it names, the rest above the form.

    A path such as "timeouts/connect_ms" belongs to the field of its last part, "limits/0/amount" to the rows of its
    first part.
    """
    if not isinstance(refusal, Invalid):
        form.add_error(None, said(refusal.detail))
        return
    for path, sentences in refusal.fields.items():
        first, *rest = path.split("/")
        last = rest[-1] if rest else ""
        field = form.places.get(path) or next((name for name in (first, last) if name in form.fields), None)
        where = ""
        if field == first and rest and rest[0].isdecimal():
            row = said(phrase("Row {number}", number=int(rest[0]) + 1))
            where = f"{row}{', ' + rest[1] if rest[1:] else ''}: "
            _mark(form.fields[first].widget, rest)
        elif field is None and path:
            where = f"{path}: "
        for sentence in all_said(sentences):
            form.add_error(field, f"{where}{sentence}")


def _mark(widget: Any, rest: list[str]) -> None:
    if isinstance(widget, RowsWidget):
        widget.bad.update((int(rest[0]), column.name) for column in widget.columns if rest[1:] in ([], [column.name]))


class Text(forms.CharField):
    """One line exactly as typed: spaces around a name are an error for the service to name, not to trim."""

    def __init__(self, *, width: str = "", **kwargs: Any) -> None:
        attrs = {"class": width} if width else {}
        super().__init__(required=False, strip=False, widget=UnfoldAdminTextInputWidget(attrs=attrs), **kwargs)


class Lines(forms.CharField):
    """Free text."""

    def __init__(self, *, rows: int = 3, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": rows}), **kwargs)

    def clean(self, value: Any) -> str:
        return super().clean(value).replace("\r\n", "\n")


class Whole(forms.IntegerField):
    """A whole number; empty is None."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=UnfoldAdminIntegerFieldWidget(), **kwargs)


class Decimal(forms.FloatField):
    """A number with a fraction; empty is None."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}), **kwargs)


class YesNo(forms.BooleanField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=UnfoldBooleanWidget(), **kwargs)


class Choice(forms.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=UnfoldAdminSelectWidget(), **kwargs)


class Choices(forms.MultipleChoiceField):
    """Check boxes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget(), **kwargs)


class Password(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
        super().__init__(required=False, strip=False, widget=widget, **kwargs)


class Pick(forms.ModelChoiceField):
    """One row out of many."""

    def __init__(self, queryset: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(queryset, required=False, widget=UnfoldAdminSelectWidget(), empty_label="Choose", **kwargs)


class PickPlans(forms.ModelMultipleChoiceField):
    """Plans by check boxes, each with its limits in words."""

    def __init__(self, queryset: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(queryset, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget(), **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}: {', '.join(all_said(obj.limit_lines))}"


class Tags(Text):
    """A JSON list of words, written with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return [word.strip() for word in super().clean(value).split(",") if word.strip()]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table of rows.

    Attributes:
        choices: (value, label) pairs for a select; none for an input.
        whole: whether the input is a whole number.
        default: what a new row starts with.
    """

    name: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()
    whole: bool = False
    default: str = ""


class RowsWidget(forms.Widget):
    """A small table: the rows there are, and a few blank ones. A row whose `key` is empty does not count."""

    def __init__(self, columns: Sequence[Column], key: str, limit: int) -> None:
        super().__init__()
        self.columns, self.key, self.limit = tuple(columns), key, limit
        self.bad: set[tuple[int, str]] = set()  # cells of which a service said that they are wrong

    def __deepcopy__(self, memo: Any) -> RowsWidget:
        copy = super().__deepcopy__(memo)
        copy.bad = set()
        return copy

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows = [row for row in value or [] if isinstance(row, dict)]
        blanks = [{column.name: column.default for column in self.columns}] * _BLANK_ROWS
        table = [
            [
                (column, f"{name}-{index}-{column.name}", row.get(column.name), (index, column.name) in self.bad)
                for column in self.columns
            ]
            for index, row in enumerate((rows + blanks)[: max(self.limit, len(rows))])
        ]
        context = {
            "columns": self.columns,
            "table": table,
            "id": (attrs or {}).get("id", ""),
            "input_class": _CELL,
            "select_class": _CELL,
        }
        return render_to_string("admin/rows.html", context)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, Any]]:
        # One more than allowed is read, so that too many is an error and not a silent loss.
        rows = (
            {column.name: data.get(f"{name}-{index}-{column.name}", "").strip() for column in self.columns}
            for index in range(self.limit + 1)
        )
        return [row for row in rows if row[self.key]]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


class Rows(forms.Field):
    """A JSON list of objects as a table; numbers that cannot be read stay text, for the service to refuse."""

    widget: RowsWidget

    def __init__(self, columns: Sequence[Column], *, key: str, limit: int, **kwargs: Any) -> None:
        super().__init__(required=False, widget=RowsWidget(columns, key, limit), **kwargs)

    def clean(self, value: Any) -> list[dict[str, Any]]:
        return [{column.name: self._cell(column, row) for column in self.widget.columns} for row in value]

    @staticmethod
    def _cell(column: Column, row: dict[str, str]) -> Any:
        text = row.get(column.name) or column.default  # a cell left empty takes what a new row starts with
        return int(text) if column.whole and _WHOLE.fullmatch(text) else text
