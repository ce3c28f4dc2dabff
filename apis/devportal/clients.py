"""Clients of other key managers that act for an application: they bring their own tokens."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from apis import selectors, selectors_key_managers
from apis.devportal.base import add_errors, member, own_page
from apis.errors import ServiceError
from apis.models import Application
from apis.saying import said
from apis.services import mapping
from apis.shapes import KEY_TYPES
from apis.words import phrase


class Unshown(forms.Textarea):
    """A text that no page repeats."""

    def format_value(self, value: object) -> None:
        return None


class ClientForm(forms.Form):
    """A client id at a key manager, and a token as proof; what is wrong with them the service says."""

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data)
        names = [(row.name, row.name) for row in selectors_key_managers.mappable_key_managers()]
        select, line = {"class": "form-select"}, {"class": "form-control", "autocomplete": "off"}
        self.fields["key_manager"] = forms.ChoiceField(label="Key manager", choices=names, widget=forms.Select(select))
        self.fields["key_type"] = forms.ChoiceField(
            label="Its tokens are for", choices=[(kind, kind) for kind in KEY_TYPES], widget=forms.Select(select)
        )
        self.fields["consumer_key"] = forms.CharField(
            label="Client id", required=False, strip=False, widget=forms.TextInput(line)
        )
        self.fields["access_token"] = forms.CharField(
            label="Access token", required=False, widget=Unshown({**line, "rows": 3, "spellcheck": "false"})
        )


@own_page
def clients(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Those there are, and a form to map another one."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    if request.method != "POST":
        return _page(request, application, ClientForm())
    form = ClientForm(request.POST)
    if not form.is_valid():
        return _page(request, application, form, 400)
    try:
        mapped = mapping.key_map(actor=actor, application=application, **form.cleaned_data)
    except ServiceError as error:
        add_errors(form, error)
        return _page(request, application, form, error.status)
    messages.success(
        request,
        said(
            phrase(
                "Tokens that {key_manager} issues to {consumer_key} act for {application}.",
                key_manager=mapped.key_manager,
                consumer_key=mapped.consumer_key,
                application=application,
            )
        ),
    )
    return redirect("devportal:clients", application.pk)


@own_page
def remove(request: HttpRequest, application_id: UUID, mapped_key_id: UUID) -> HttpResponse:
    """Ask, then let a client act for the application no longer."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    mapped = selectors_key_managers.mapped_key_get(application, mapped_key_id)
    if request.method != "POST":
        return render(request, "devportal/client_remove.html", {"application": application, "mapped": mapped})
    mapping.key_unmap(actor=actor, mapped_key=mapped)
    messages.success(
        request,
        said(
            phrase(
                "Tokens of {consumer_key} no longer act for {application}.",
                consumer_key=mapped.consumer_key,
                application=application,
            )
        ),
    )
    return redirect("devportal:clients", application.pk)


def _page(request: HttpRequest, application: Application, form: ClientForm, status: int = 200) -> HttpResponse:
    context = {
        "application": application,
        "mapped": selectors_key_managers.mapped_keys_of(application),
        "managers": list(selectors_key_managers.mappable_key_managers()),
        "form": form,
    }
    return render(request, "devportal/clients.html", context, status=status)
