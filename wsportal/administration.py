"""The administration's site: one sign-in, only our own pages, and an answer for every input.

It stands outside `apis.admin` because Django makes the site before it imports the pages that register with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from unfold.sites import UnfoldAdminSite


class PortalAdminSite(UnfoldAdminSite):
    """Unfold's site, bound to the portal's own sign-in and services."""

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")  # it deletes rows past the services

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take our own pages only: those that packages bring along show secrets and write past the services."""
        if getattr(admin_class, "writes_through_services", False):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Callable[..., Any]:
        """Values in an address or a form that no column can hold are the sender's mistake: 400, never 500."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if any("\x00" in text for texts in request.GET.lists() for text in (texts[0], *texts[1])):
                raise BadRequest("An address holds no NUL.")
            try:
                return view(request, *args, **kwargs)
            except (ValidationError, OverflowError, DataError) as error:
                raise BadRequest("A value in this request cannot be read.") from error

        for attribute in ("csrf_exempt", "model_admin"):
            if hasattr(view, attribute):
                setattr(guarded, attribute, getattr(view, attribute))
        return super().admin_view(guarded, cacheable)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in, with its lock-out; somebody signed in who still comes here may not enter."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        target = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': target})}")

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The sidebar's search; its page number comes from the address."""
        if request.GET.get("page", "1") != "1":
            raise Http404
        return super().search(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Change one's own password, through the service that also writes the history."""
        from apis.admin.people import OwnPasswordForm  # noqa: PLC0415  (importing it makes the site)

        request.current_app = self.name
        return PasswordChangeView.as_view(  # type: ignore[return-value]
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
            template_name="registration/password_change_form.html",
        )(request)
