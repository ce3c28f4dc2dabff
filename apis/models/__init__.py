"""Rows of the control plane: fields, constraints and cheap properties. Rules live in services."""

from apis.models.api import Api, Deployment, Endpoint, Environment, Revision, Scope, Topic, VersionSet
from apis.models.application import Application, KeyPair, Subscription
from apis.models.approval import Approval, ApprovalRules
from apis.models.attempt import Attempt
from apis.models.billing import SubscriptionTerm
from apis.models.credentials import ApiKey, TestKey
from apis.models.denying import DenyPolicy
from apis.models.draft import FormDraft
from apis.models.history import Change, HistoryEntry
from apis.models.key_manager import KeyManager, MappedKey
from apis.models.person import Person, PersonalToken, Role
from apis.models.plan import ApiPlan, ApplicationPlan, BusinessPlan, CustomPlan
from apis.models.portal import ApiCategory, Thumbnail
from apis.models.social import ApiDocument, Comment, DocumentFile, Rating

__all__ = [
    "Api",
    "ApiCategory",
    "ApiDocument",
    "ApiKey",
    "ApiPlan",
    "Application",
    "ApplicationPlan",
    "Approval",
    "ApprovalRules",
    "Attempt",
    "BusinessPlan",
    "Change",
    "Comment",
    "CustomPlan",
    "DenyPolicy",
    "Deployment",
    "DocumentFile",
    "Endpoint",
    "Environment",
    "FormDraft",
    "HistoryEntry",
    "KeyManager",
    "KeyPair",
    "MappedKey",
    "Person",
    "PersonalToken",
    "Rating",
    "Revision",
    "Role",
    "Scope",
    "Subscription",
    "SubscriptionTerm",
    "TestKey",
    "Thumbnail",
    "Topic",
    "VersionSet",
]
