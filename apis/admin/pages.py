"""One-form pages of the administration: a title, what will happen, a few fields, one button.

Every button that needs a question answered first (a confirmation, check items, a version) leads to such a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.forms import AdminForm

from apis.admin.base import ServiceAdmin
from apis.admin.fields import Unasking, show_refusal
from apis.errors import ServiceError, Stale
from apis.seeing import told


class PageForm(Unasking, forms.Form):
    """The fields of a page; none for a mere confirmation.

    Attributes:
        fieldsets: (title or None, field names), in the order they are shown; all fields in one group unless given.
    """

    fieldsets: ClassVar[Sequence[tuple[str | None, Sequence[str]]]] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says and does.

    Attributes:
        title: the heading.
        button: the words on its button.
        run: gets the cleaned fields, calls the service, and returns what was done in words, or a whole response.
        text: what will happen, in a sentence or two.
        danger: whether the button is red.
        link: (words, address) of where more of it is done, or None.
        again: the fields for what theirs and mine put together are, where somebody else was faster; None for a page
            that has no fields of its own.
    """

    title: str
    button: str
    run: Callable[[dict[str, Any]], str | HttpResponse]
    text: str = ""
    danger: bool = False
    link: tuple[str, str] | None = None
    again: Callable[[dict[str, Any]], dict[str, Any]] | None = None


def answer(
    admin: ServiceAdmin, request: HttpRequest, obj: Any, page: Page, form_class: type[PageForm], **form_kwargs: Any
) -> HttpResponse:
    """Show a page, or do what its button says: everything or nothing.

    Returns: the page; a redirect after success; the page again with status 4xx and what was refused.
    """
    if request.method != "POST":
        return _render(admin, request, obj, page, form_class(**form_kwargs))
    form = form_class(request.POST, **form_kwargs)
    status = 400
    if form.is_valid():
        try:
            with transaction.atomic():
                done = page.run(form.cleaned_data)
        except Stale as stale:
            if page.again and stale.merged is not None:
                form = form_class(**{**form_kwargs, "initial": page.again(stale.merged)})
            return _render(admin, request, obj, page, form, stale=stale)
        except ServiceError as refusal:
            show_refusal(form, refusal)
            status = refusal.status
        else:
            if isinstance(done, HttpResponse):
                return done
            messages.success(request, done)
            return HttpResponseRedirect(admin.url("change", obj.pk))
    response = _render(admin, request, obj, page, form)
    response.status_code = status
    return response


def _render(
    admin: ServiceAdmin, request: HttpRequest, obj: Any, page: Page, form: PageForm, *, stale: Stale | None = None
) -> HttpResponse:
    fieldsets = form.fieldsets or [(None, list(form.fields))]
    context = {
        **admin.admin_site.each_context(request),
        "title": page.title,
        "subtitle": str(obj),
        "page": page,
        "back": admin.url("change", obj.pk),
        "has_fields": bool(form.fields),
        "has_errors": bool(form.errors),
        "general_errors": form.non_field_errors(),
        "adminform": AdminForm(form, [(name, {"fields": names}) for name, names in fieldsets], {}, (), admin),
        "opts": admin.opts,
        "original": obj,
        "media": admin.media + form.media,
        **admin.edition_of(request),
        **told(stale),
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "admin/page.html", context, status=stale.status if stale else 200)


def show_secret(
    admin: ServiceAdmin, request: HttpRequest, obj: Any, *, title: str, text: str, values: dict[str, str]
) -> HttpResponse:
    """Show a secret once, in the answer to the request that made it: it is kept nowhere, not even in a session."""
    context = {
        **admin.admin_site.each_context(request),
        "title": title,
        "subtitle": str(obj),
        "text": text,
        "values": values,
        "back": admin.url("change", obj.pk),
        "opts": admin.opts,
        "original": obj,
    }
    request.current_app = admin.admin_site.name
    response = TemplateResponse(request, "admin/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response
