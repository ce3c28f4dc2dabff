"""Django's settings: wiring only. Values that an operator chooses come from wsportal.env."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gateway.loop  # noqa: F401 - before the app "daphne" below makes its event loop
from apis.roles import SCOPE_LABELS
from gateway.core.proxies import Trust
from wsportal import env, logs
from wsportal.looks import administration_look

ROOT = env.ROOT
MODE = env.MODE
DEBUG = env.DEBUG
SECRET_KEY = env.SECRET_KEY
ENCRYPTION_KEYS = env.ENCRYPTION_KEYS  # read by apis.sealing
ALLOWED_HOSTS = (
    ["*"] if MODE != "serve" else [urlsplit(env.PORTAL_URL).hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = [env.PORTAL_URL]

INSTALLED_APPS = [
    "daphne",
    "unfold.apps.BasicAppConfig",
    "wsportal",
    "apis",
    "gateway",
    "wsportal.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic",
    "django.contrib.staticfiles",
    "channels",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "wsportal.proxies.TrustedProxiesMiddleware",
    "wsportal.middleware.PerSchemeCookiesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "wsportal.middleware.PortalCSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "wsportal.middleware.PortalLocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "wsportal.urls"
ASGI_APPLICATION = "wsportal.asgi.application"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apis.context.portals",
                "apis.context.languages",
            ],
            "builtins": ["django.templatetags.i18n", "apis.templatetags.words"],
        },
    }
]

DATABASES = {"default": env.DATABASE}
# Nothing that counts is kept in the cache: sessions, lockouts and failed tries are rows, for every process to see.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CHANNEL_LAYERS: dict[str, Any] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if env.REDIS_URL:  # control messages only (gateway.waking); a socket timeout must outlast a blocking read of 5 s
    redis_host = {"address": env.REDIS_URL, "socket_connect_timeout": 2, "socket_timeout": 10}
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [redis_host], "prefix": "wsportal", "expiry": 10, "group_expiry": 120},
    }
GATEWAY_REDIS_URL = env.REDIS_URL
GATEWAY_LOCAL_CREDIT = env.LOCAL_CREDIT_PERCENT / 100
GATEWAY_USAGE_MINUTES_DAYS = env.USAGE_MINUTES_DAYS
GATEWAY_USAGE_HOURS_DAYS = env.USAGE_HOURS_DAYS

# People -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "apis.Person"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"  # tests make hundreds of people; nothing of it is kept
    if MODE == "test"
    else "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "wsportal.hashers.GeneratedSecretHasher",
]
# `up` is for trying things on one machine, with people whose password is their name; anything else is strict.
AUTH_PASSWORD_VALIDATORS: list[dict[str, str]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if MODE == "up":
    AUTH_PASSWORD_VALIDATORS = []
# Ten wrong passwords for one name from one address lock that pair for five minutes (answered 429).
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 5 / 60
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "wsportal.views.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
SESSION_COOKIE_NAME = "wsportal_session"
CSRF_COOKIE_NAME = "wsportal_csrf"
CSRF_FAILURE_VIEW = "wsportal.views.stale_form"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600

# OAuth 2.0 ----------------------------------------------------------------------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth2_provider.AccessToken"
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth2_provider.RefreshToken"
OAUTH2_PROVIDER_GRANT_MODEL = "oauth2_provider.Grant"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth2_provider.IDToken"
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "oauth2_provider.DeviceGrant"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "default": "Use the APIs that it is subscribed to, in your name",
        **{s.value: text for s, text in SCOPE_LABELS.items()},
    },
    "DEFAULT_SCOPES": ["default"],
    "SCOPES_BACKEND_CLASS": "apis.oauth.PortalScopes",
    "OAUTH2_VALIDATOR_CLASS": "apis.oauth.PortalValidator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 14 * 24 * 3600,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "CLIENT_SECRET_HASHER": "pbkdf2_sha256_generated",
    "PKCE_REQUIRED": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"],
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    # The issuer (RFC 8414): in production the one address, otherwise whichever of the two was asked.
    "OIDC_ISS_ENDPOINT": env.PORTAL_URL if MODE == "serve" else "",
}

# REST ---------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apis.rest.authentication.BearerAuthentication",
        "apis.rest.authentication.PortalSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["apis.rest.renderers.JSONLine"],
    "DEFAULT_PARSER_CLASSES": ["apis.rest.parsers.JSONBody"],
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_PAGINATION_CLASS": "apis.rest.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "apis.rest.schema.PortalSchema",
    "EXCEPTION_HANDLER": "apis.rest.problems.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "wsportal",
    "VERSION": "1",
    "DESCRIPTION": "Design, publish and use managed WebSocket APIs.\n\n"
    "Get a personal token with your user name and password (`POST /api/v1/tokens`) and send it as "
    "`Authorization: Bearer`; people signed in to a portal need none here. Your roles decide what you may do, the "
    "scopes of a token only narrow it. Errors are problem documents (RFC 9457), lists are paged, ids are UUIDs.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "apis.rest.links.add_links"],
    "ENUM_NAME_OVERRIDES": {"DocumentTypeEnum": "apis.shapes_social.DOCUMENT_TYPES"},
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "password": {
                "type": "http",
                "scheme": "basic",
                "description": "User name and password, to mint personal tokens only.",
            },
            "api_key": {
                "type": "apiKey",
                "in": "header",
                "name": "ApiKey",
                "description": "An API key of an application, to get tickets only.",
            },
        }
    },
}

# Pages --------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.VAR_DIR / "static"


def _package_static(package: str, folder: str = "static") -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{package} is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / folder


# Tabler comes from a package whose Django app we do not want, only its static files.
STATICFILES_DIRS = [ROOT / "static", _package_static("jazzy_tabler")]
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = DEBUG
SERVESTATIC_MAX_AGE = 0 if DEBUG else 3600

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # set by TrustedProxiesMiddleware only
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
SILENCED_SYSTEM_CHECKS = [
    "security.W004",  # HSTS is for the operator, who owns the domain, to switch on in front
    "security.W008",  # both schemes are offered side by side on purpose (CONTRACT section 2)
    "security.W012",  # cookies are marked secure per scheme by PerSchemeCookiesMiddleware
    "security.W016",
    "oauth2_provider.W008",  # http redirects lead to this machine only (apis.services.keys.redirect_problem, RFC 8252)
]

# Language and time --------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # each by its own name; one more: docs/translation.md
LOCALE_PATHS = [ROOT / "locale"]
LANGUAGE_COOKIE_NAME = "wsportal_language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = logs.configure(env.MODE)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORMAT_MODULE_PATH = ["wsportal.formats"]

# Gateway (read through gateway.conf) --------------------------------------------------------------------------
PORT_OFFSET = env.PORT_OFFSET
GATEWAY_URL = env.GATEWAY_URL
GATEWAY_MAX_SESSIONS = env.MAX_SESSIONS
PORTAL_URL = env.PORTAL_URL
ALLOWED_UPSTREAM_NETWORKS = env.ALLOWED_UPSTREAM_NETWORKS
TRUSTED_PROXIES = Trust(env.TRUSTED_PROXIES, env.PROXY_HEADER, env.PROXY_PROTOCOL)
DRAIN_SECONDS = env.DRAIN_SECONDS

UNFOLD = administration_look(STATIC_URL)
