"""What is said about an API beside its design: the fields of bodies and answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apis.models import Api
from apis.permissions import can_see_api
from apis.rest.fields import Body, Raw, Texts
from apis.shapes_about import PROPERTY_FIELDS


class BusinessAnswer(serializers.Serializer):
    """Who stands behind an API. What is left out is empty."""

    business_owner = serializers.CharField(required=False, allow_blank=True, help_text="A name.")
    business_owner_email = serializers.CharField(required=False, allow_blank=True)
    technical_owner = serializers.CharField(required=False, allow_blank=True, help_text="A name.")
    technical_owner_email = serializers.CharField(required=False, allow_blank=True)


class PropertyAnswer(serializers.Serializer):
    """A property of an API: whatever its owners want to be known."""

    name = serializers.CharField(help_text="Once in an API, whatever the case of its letters.")
    value = serializers.CharField(required=False, allow_blank=True)
    show_in_devportal = serializers.BooleanField(required=False, help_text="false unless given.")


@extend_schema_field(BusinessAnswer())
class BusinessField(Raw):
    """Checked by apis.shapes_about.business."""


@extend_schema_field(PropertyAnswer(many=True))
class PropertiesField(Raw):
    """Checked by apis.shapes_about.properties."""


class AboutBody(Body):
    """What may be said of an API beside its design."""

    categories = Texts(required=False, help_text="Names of API categories.")
    business = BusinessField(required=False)
    access_roles = Texts(
        required=False,
        help_text="Names of roles: only creators and publishers with one of them, its provider and administrators see "
        "the design. One must be your own. Empty: every creator and publisher.",
    )
    visible_roles = Texts(
        required=False,
        help_text="Names of roles: only people with one of them, and those who see the design, see it in the developer "
        "portal and may subscribe. Empty: everybody.",
    )
    properties = PropertiesField(required=False)


class AboutWords:
    """What ApiAnswer says of an API beside its design. Who sees no design sees no roles, and not every property."""

    def _sees_design(self, api: Api) -> bool:
        return can_see_api(self.root._context["actor"], api)  # type: ignore[attr-defined]

    def get_categories(self, api: Api) -> list[str]:
        return [category.name for category in api.categories.all()]

    @extend_schema_field(PropertyAnswer(many=True))
    def get_properties(self, api: Api) -> list[dict[str, Any]]:
        whole = self._sees_design(api)
        return [
            {name: row[name] for name in PROPERTY_FIELDS} for row in api.properties if whole or row["show_in_devportal"]
        ]

    @extend_schema_field(serializers.ListField(child=serializers.CharField(), allow_null=True))
    def get_access_roles(self, api: Api) -> list[str] | None:
        return api.access_roles if self._sees_design(api) else None

    @extend_schema_field(serializers.ListField(child=serializers.CharField(), allow_null=True))
    def get_visible_roles(self, api: Api) -> list[str] | None:
        return api.visible_roles if self._sees_design(api) else None

    def get_thumbnail(self, api: Api) -> str | None:
        return f"/api/v1/apis/{api.pk}/thumbnail" if api.picture else None
