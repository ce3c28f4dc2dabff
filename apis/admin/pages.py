"""One-form pages of the administration: a title, what will happen, a few fields, one button.

Every button that needs a question answered first (a confirmation, check items, a version) leads to such a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from apis.saying import said
from apis.seeing import told


class PageForm(Unasking, forms.Form):
    """The fields of a page; none for a mere confirmation.

    Attributes:
        fieldsets: (title or None, field names), in the order they are shown; all fields in one group unless given.
    """

    fieldsets: ClassVar[Sequence[tuple[str | None, Sequence[str]]]] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says and does. Its words are English; the page is in the language of who reads it.

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

    def spoken(self) -> Page:
        """The same in the language of this request."""
        link = (said(self.link[0]), self.link[1]) if self.link else None
        return replace(self, title=said(self.title), button=said(self.button), text=said(self.text), link=link)


def answer(
    admin: ServiceAdmin, request: HttpRequest, obj: Any, page: Page, form_class: type[PageForm], **form_kwargs: Any
) -> HttpResponse:
    """Show a page, or do what its button says: everything or nothing.

    Args:
        obj: what the page is about; None for a page of its kind, such as one that makes a new one.
        form_kwargs: of the form; `data` takes the place of what was posted.

    Returns: the page; a redirect after success; the page again with status 4xx and what was refused.
    """
    if request.method != "POST":
        return render_page(admin, request, obj, page, form_class(**form_kwargs))
    form = form_class(**{"data": request.POST, "files": request.FILES, **form_kwargs})
    status = 400
    if form.is_valid():
        try:
            with transaction.atomic():
                done = page.run(form.cleaned_data)
        except Stale as stale:
            if page.again and stale.merged is not None:
                form = form_class(**{**form_kwargs, "data": None, "initial": page.again(stale.merged)})
            return render_page(admin, request, obj, page, form, stale=stale)
        except ServiceError as refusal:
            show_refusal(form, refusal)
            status = refusal.status
        else:
            if isinstance(done, HttpResponse):
                return done
            messages.success(request, said(done))
            return HttpResponseRedirect(_back(admin, obj))
    response = render_page(admin, request, obj, page, form)
    response.status_code = status
    return response


def _back(admin: ServiceAdmin, obj: Any) -> str:
    """Where a page came from: what it is about, or the list of its kind."""
    return admin.url("changelist") if obj is None else admin.url("change", obj.pk)


def render_page(
    admin: ServiceAdmin, request: HttpRequest, obj: Any, page: Page, form: PageForm, *, stale: Stale | None = None
) -> TemplateResponse:
    """The page with this form on it; nothing is done."""
    page = page.spoken()
    named = [(said(title) if title else None, fields) for title, fields in form.fieldsets]
    fieldsets = named or [(None, list(form.fields))]
    context = {
        **admin.admin_site.each_context(request),
        "title": page.title,
        "subtitle": "" if obj is None else str(obj),
        "page": page,
        "back": _back(admin, obj),
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
        "title": said(title),
        "subtitle": str(obj),
        "text": said(text),
        "values": {said(name): value for name, value in values.items()},
        "back": admin.url("change", obj.pk),
        "opts": admin.opts,
        "original": obj,
    }
    request.current_app = admin.admin_site.name
    response = TemplateResponse(request, "admin/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response
