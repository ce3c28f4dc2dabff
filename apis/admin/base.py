"""What every page of the administration shares: capabilities decide, services write, refusals are shown."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from apis.admin.fields import Unasking, show_refusal
from apis.admin.words import speak
from apis.errors import Invalid, ServiceError, Stale
from apis.permissions import ADMINISTRATION, Actor
from apis.roles import Capability
from apis.saying import all_said, said
from apis.seeing import edition, seen_of, told
from apis.services.row_editions import gone, newest_of


def sentences(refusal: ServiceError) -> list[str]:
    """A refusal in the page's language, for a page without fields to put it beside."""
    if isinstance(refusal, Invalid):
        return [said(text) for texts in refusal.fields.values() for text in texts]
    return [said(refusal.detail)]


class ServiceForm(Unasking, forms.ModelForm):
    """A form whose rules are those of the service behind it.

    A subclass made by `ServiceAdmin.get_form` carries who is asking, and the refusal of a first attempt, which
    it shows.
    """

    refusal: ClassVar[ServiceError | None] = None
    actor: ClassVar[Actor | None] = None

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        mine = self.refusal.merged if isinstance(self.refusal, Stale) else None
        if mine is None:
            super().__init__(data, *args, **kwargs)
        else:  # theirs and mine put together are what the form begins with
            super().__init__(**{**kwargs, "instance": self.put_together(copy(kwargs.get("instance")), mine)})

    @property
    def seen(self) -> int | None:
        """The edition that this form was made with."""
        return seen_of(self.data)

    def put_together(self, row: Any, mine: dict[str, Any]) -> Any:
        """Put what would be saved into a copy of the row, for a form only."""
        for field in mine.keys() & {field.name for field in row._meta.concrete_fields}:
            setattr(row, field, mine[field])
        return row

    def _post_clean(self) -> None:
        """Neither builds nor checks a row: models have no rules of their own."""
        if self.refusal is not None:
            show_refusal(self, self.refusal)


class ServiceAdmin(ModelAdmin):
    """Pages over one model. Subclasses say who may do what, and call services in `create`, `update`, `remove`.

    Attributes:
        sees, adds, changes, deletes: the capabilities of which one is needed.
    """

    sees: ClassVar[tuple[Capability, ...]] = (Capability.ADMINISTER,)
    adds: ClassVar[tuple[Capability, ...]] = ()
    changes: ClassVar[tuple[Capability, ...]] = ()
    deletes: ClassVar[tuple[Capability, ...]] = ()

    writes_through_services = True  # what the site asks of every page it takes
    form = ServiceForm
    actions: tuple[str, ...] | None = None
    list_per_page = 50
    list_filter_submit = False
    compressed_fields = True
    change_form_before_template: str | None = "admin/meanwhile.html"

    def __init__(self, model: type[Model], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        speak(self)

    # Who may --------------------------------------------------------------------------------------------------
    def actor(self, request: HttpRequest) -> Actor:
        """Who acts; a browser session lets all of the person's capabilities through."""
        return Actor.of(request.user, via=ADMINISTRATION)  # type: ignore[arg-type]

    def _any(self, request: HttpRequest, needed: tuple[Capability, ...]) -> bool:
        actor = self.actor(request)
        return any(actor.can(capability) for capability in needed)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._any(request, self.sees)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._any(request, self.sees)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._any(request, self.adds)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._any(request, self.changes)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._any(request, self.deletes)

    # Writes ---------------------------------------------------------------------------------------------------
    def create(self, actor: Actor, form: Any) -> Model:
        """Call the service that makes the object out of `form.cleaned_data`; it may raise ServiceError."""
        raise PermissionDenied

    def update(self, actor: Actor, obj: Any, form: Any) -> None:
        """Call the services that change `obj`; they may raise ServiceError."""
        raise PermissionDenied

    def remove(self, actor: Actor, obj: Any) -> None:
        """Call the service that deletes `obj`; it may raise ServiceError."""
        raise PermissionDenied

    def consequences(self, obj: Any) -> list[str]:
        """What else goes when `obj` is deleted, in words."""
        return []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if change:
            self.update(self.actor(request), obj, form)
        else:
            obj.pk = self.create(self.actor(request), form).pk
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the service has written everything."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(self.actor(request), obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of this page: only fields that the page shows, and the refusal of a first attempt."""
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        form = super().get_form(request, obj, change, **kwargs)
        absent = dict.fromkeys(name for name in form.declared_fields if name not in shown)
        known = {"refusal": getattr(request, "refusal", None), "actor": self.actor(request)}
        return type(form.__name__, (form,), {**absent, **known})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Save in one transaction; where a service refuses, everything is undone and the form says why."""
        extra_context = {"show_save_and_add_another": False, **(extra_context or {})}
        self.remember(request, object_id)
        if request.method == "POST" and (stale := self._gone(request, object_id)) is not None:
            request.refusal = stale  # type: ignore[attr-defined]
            extra_context |= {"theirs": self.url("changelist")}
            return super().changeform_view(request, None, self.url("add"), extra_context)
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ServiceError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """A form that comes back with errors is not a success; titles of its groups are in the page's language."""
        if (shown := context.get("adminform")) is not None:
            shown.fieldsets = [(said(title) if title else title, options) for title, options in shown.fieldsets]
        if self.changes:
            context.update(self.edition_of(request) | told(getattr(request, "refusal", None)))
        response = super().render_change_form(request, context, *args, **kwargs)
        if request.method == "POST":
            refusal = getattr(request, "refusal", None)
            response.status_code = refusal.status if refusal else 400
        return response

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except ServiceError as refusal:
            messages.error(request, " ".join(sentences(refusal)))
        return HttpResponseRedirect(self.url("change", object_id))

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """Do something to the ticked rows. Raises: ValidationError (answered 400) for what cannot be a row's key."""
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            self.opts.pk.to_python(key)
        return super().response_action(request, queryset)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What the service will take along, in words; whether it may is the service's to say."""
        lines = [line for obj in objs for line in (str(obj), *all_said(self.consequences(obj)))]
        return lines, {self.opts.verbose_name_plural: len(objs)}, set(), []

    # What the history of the control plane knows already ---------------------------------------------------------
    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        return []

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return None

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404

    # Two people at one page ---------------------------------------------------------------------------------------
    def remember(self, request: HttpRequest, object_id: Any) -> None:
        """Ask for the edition of what a page is about before anything of it is read."""
        if object_id is not None and self.changes:
            request.edition = newest_of(self.model, object_id)  # type: ignore[attr-defined]

    def _gone(self, request: HttpRequest, object_id: str | None) -> Stale | None:
        """Who removed what is being saved, for the form that makes it anew; None where it is there."""
        if object_id is None or not (self.changes and self.has_add_permission(request)):
            return None
        is_there = self.get_object(request, object_id) is not None
        return None if is_there else gone(self.model, object_id)

    def edition_of(self, request: HttpRequest) -> dict[str, Any]:
        """What `admin/meanwhile.html` needs: the edition of what the page is about."""
        newest: int | None = getattr(request, "edition", None)
        return {"seen": None if newest is None else edition(request, newest)}

    # Helpers of subclasses ------------------------------------------------------------------------------------
    def url(self, page: str, *args: Any) -> str:
        """The address of one of this model's pages: "changelist", "change", or one of its own."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    def find(self, request: HttpRequest, object_id: Any) -> Any:
        """The object behind an address of ours. Raises: Http404, PermissionDenied."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        obj = self.get_queryset(request).filter(pk=object_id).first()
        if obj is None:
            raise Http404
        return obj

    def attempt(self, request: HttpRequest, done: str, service: Any, **kwargs: Any) -> bool:
        """Call a service for a button without a form of its own, and say how it went."""
        try:
            with transaction.atomic():
                service(actor=self.actor(request), **kwargs)
        except ServiceError as refusal:
            messages.error(request, " ".join(sentences(refusal)))
            return False
        messages.success(request, said(done))
        return True
