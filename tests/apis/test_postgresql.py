"""The same control plane on a real PostgreSQL server (shipped by pip), as `serve` would find it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import PostgreSQL

ROOT = Path(__file__).resolve().parents[2]

STORY = """
from django.db import connection
from apis.errors import Taken
from apis.models import Person, BusinessPlan
from apis.permissions import Actor
from apis.services import designs, people, publishing, subscribing, keys
assert connection.vendor == "postgresql", connection.vendor
adam = Actor.of(Person.objects.get(username="adam"))
both = ["creator", "publisher"]
paul = Actor.of(people.person_create(actor=adam, username="paul", password="walks the dog", roles=both))
sam = Actor.of(people.person_create(actor=adam, username="sam", password="rides a bike", roles=["subscriber"]))
design = dict(name="Chat", context="/chat", version="1.0.0", endpoint="wss://chat.example.com")
design["business_plans"] = ["Bronze"]
api = publishing.api_create_and_publish(actor=paul, **design)
try:
    designs.api_create(actor=paul, **design)
except Taken as error:
    assert set(error.fields) == {"name", "context"}
application = subscribing.application_create(actor=sam, name="Phone")
subscription = subscribing.subscription_create(actor=sam, api=api, application=application, business_plan="Bronze")
token, life = keys.token_generate(actor=sam, application=application, key_type="production")
subscribing.subscription_block(actor=paul, subscription=subscription)
publishing.api_transition(actor=paul, api=api, action="block")
print("STORY", api.deployments.count(), api.history.count(), subscription.state, life)
"""


SCOPES = """
from apis import scoping
from apis.errors import Conflict, Invalid
from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import keys, publishing, scopes, topics, versions
paul, sam = (Actor.of(Person.objects.get(username=name)) for name in ("paul", "sam"))
api = Api.objects.get(version_set__name="Chat")
publishing.api_transition(actor=paul, api=api, action="republish")
Subscription.objects.update(state="unblocked")
scopes.scope_create(actor=paul, name="rooms:read")
local = scopes.scope_create(actor=paul, api=api, name="rooms:write", roles=["creator"])
rows = [{"name": "/rooms/{id}", "scopes": ["rooms:read"], "publish_scopes": ["rooms:write"]}]
topics.topics_replace(actor=paul, api=api, topics=rows)
publishing.revision_deploy(actor=paul, revision=publishing.revision_create(actor=paul, api=api))
versions.default_version_set(actor=paul, api=api, is_default=True)
application = Application.objects.get(name="Phone")
token, life = keys.token_generate(actor=sam, application=application, key_type="production", scopes=["rooms:read"])
refused = []
for act in (
    lambda: keys.token_generate(
        actor=sam, application=application, key_type="production", scopes=["rooms:write", "a\\0b"]
    ),
    lambda: scopes.scope_delete(actor=paul, scope=local),
):
    try:
        act()
    except (Conflict, Invalid) as error:
        refused.append(error.code)
print("SCOPES", [scope.name for scope in scoping.scopes_of_application(application)], refused)
"""


SECRETS = """
from apis import sealing
from apis.models import Api, Person
from apis.permissions import Actor
from apis.services import configuring
paul, api = Actor.of(Person.objects.get(username="paul")), Api.objects.get(version_set__name="Chat")
security = {"type": "basic", "username": "us", "password": "open sesame"}
config = {"urls": [{"url": "wss://chat.example.com"}], "security": security}
configuring.endpoint_configure(actor=paul, api=api, key_type="production", config=config)
kept = [api.endpoints.get(key_type="production").config]
kept += [row.endpoints["production"] for row in api.deployments.all()]
print("SECRETS", len(kept), {sealing.unseal(one["security"]["password"]) for one in kept})
"""


MEETING = """
import threading
from django.db import connection
from apis.errors import Stale
from apis.models import Api, Person
from apis.permissions import Actor
from apis.services import configuring, designs
from apis.services.editions import newest
paul, adam = (Actor.of(Person.objects.get(username=name)) for name in ("paul", "adam"))
api = Api.objects.get(version_set__name="Chat")

def at_once(*calls):
    barrier, answers = threading.Barrier(len(calls)), {}
    def run(index):
        mine = Api.objects.select_related("version_set").get(pk=api.pk)
        barrier.wait(30)
        try:
            answers[index] = calls[index](mine).pk == api.pk and "saved"
        except Stale as refusal:
            answers[index] = sorted({change.who for change in refusal.changes})
        finally:
            connection.close()
    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    return [answers[index] for index in range(len(calls))]

def edit(actor, seen, **changes):
    return lambda mine: designs.api_update(actor=actor, api=mine, seen=seen, **changes)

for _ in range(10):
    seen, form = newest(api.pk), {"description": "", "tags": []}
    designs.api_update(actor=paul, api=api, **form)
    seen = newest(api.pk)
    same = at_once(edit(paul, seen, description="By paul"), edit(adam, seen, description="By adam"))
    winner = "paul" if same[0] == "saved" else "adam"
    assert sorted(map(str, same)) == sorted(["saved", str([winner])]), same
    api.refresh_from_db()
    assert api.description == f"By {winner}"
    seen = newest(api.pk)
    form = {"description": api.description, "tags": api.tags}
    other = at_once(edit(paul, seen, **{**form, "description": "Both"}), edit(adam, seen, **{**form, "tags": ["hold"]}))
    api.refresh_from_db()
    assert (other, api.description, api.tags) == (["saved", "saved"], "Both", ["hold"]), other
    limits, seen = dict(api.runtime), newest(api.pk)
    def limit(actor, **changes):
        full = {**limits, **changes}
        return lambda mine: configuring.runtime_configure(actor=actor, api=mine, limits=full, seen=seen)
    done = at_once(limit(paul, idle_s=60), limit(adam, keepalive_s=30))
    api.refresh_from_db()
    assert (done, api.runtime["idle_s"], api.runtime["keepalive_s"]) == (["saved", "saved"], 60, 30), done
    configuring.runtime_configure(actor=paul, api=api, limits={})
    api.refresh_from_db()
print("MEETING", connection.vendor)
"""


SEEN = """
import io
from PIL import Image
from apis import selectors, selectors_portal
from apis.models import Api, Person
from apis.permissions import Actor
from apis.searching import apis_matching
from apis.services import categories, custom_roles, designs, people, thumbnails
adam, paul, sam = (Actor.of(Person.objects.get(username=name)) for name in ("adam", "paul", "sam"))
role = custom_roles.role_create(actor=adam, name="partners")
categories.category_create(actor=adam, name="Real time")
api = Api.objects.get(version_set__name="Chat")
said = {"tags": ["Köln", "chat"], "categories": ["Real time"]}
said |= {"visible_roles": ["partners"], "access_roles": ["creator"]}
shown = {"name": "region", "value": "Berlin", "show_in_devportal": True}
designs.api_update(actor=paul, api=api, **said, properties=[shown, {"name": "cost centre", "value": "47_1"}])
picture = io.BytesIO()
Image.new("RGB", (9, 9)).save(picture, "PNG")
thumbnails.thumbnail_set(actor=paul, api=api, content=picture.getvalue())
Api.objects.update(state="published")
def seen(actor):
    return selectors.apis_on_offer(actor).count()
before = seen(None), seen(sam), seen(paul), seen(adam), selectors.apis_visible(paul).count()
people.person_update(actor=adam, person=sam.person, roles=["subscriber", "partners"])
sam = Actor.of(Person.objects.get(username="sam"))
every = selectors.apis_visible(adam)
words = ("tag:KÖLN", "tag:%", "region", "47_1", "a_a", "category:real")
found = [apis_matching(every, search=text).count() for text in words]
found += [apis_matching(every, tag="chat", category="Real time").count()]
print("SEEN", before, seen(sam), found, selectors_portal.role_uses(role), every.get().picture[:0] == "")
"""

TALK = """
import threading
from django.db import connection
from apis import permissions, searching, selectors_social
from apis.models import Api, DocumentFile, Person
from apis.services import comments, documents, publishing, ratings
paul, sam = (permissions.Actor.of(Person.objects.get(username=name)) for name in ("paul", "sam"))
answers, design = [], {"name": "Talk", "context": "/talk", "version": "1.0.0", "endpoint": "wss://a.example"}
api = publishing.api_create_and_publish(actor=paul, business_plans=["Bronze"], **design)
upload = documents.Upload("logo.png", b"\\x89PNG\\r\\n\\x1a\\n" + bytes(range(256)))
documents.document_create(actor=paul, api=api, name="Logo", upload=upload)
documents.document_create(actor=paul, api=api, name="Guide", content="Mind the marmalade.")
assert bytes(DocumentFile.objects.get().octets) == upload.octets
first = comments.comment_create(actor=sam, api=api, content="Is it kept?")
comments.comment_create(actor=paul, api=api, content="It is.", reply_to=first.pk)
comments.comment_delete(actor=sam, comment=first)
ratings.rating_set(actor=sam, api=api, rating=4)
stars = selectors_social.stars_carried(selectors_social.with_stars(Api.objects.filter(pk=api.pk)).get())
def write():
    try:
        documents.document_create(actor=paul, api=api, name="Race", content="x")
        answers.append("done")
    except Exception as refusal:
        answers.append(type(refusal).__name__)
    connection.close()
threads = [threading.Thread(target=write) for _ in range(4)]
[thread.start() for thread in threads] + [thread.join(60) for thread in threads]
said = [(one.content, one.replies.count()) for one in selectors_social.comments_of(api)]
found = searching.apis_matching(Api.objects.all(), search="doc:marmalade").count()
print("TALK", sorted(answers), said, stars.average, stars.count, found)
"""


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a production process whose database is an empty PostgreSQL."""
    folder = tmp_path_factory.mktemp("postgresql")
    server = PostgreSQL()
    yield {
        **os.environ,
        "WSPORTAL_MODE": "serve",
        "DATABASE_URL": server.url,
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "VAR_DIR": str(folder / "var"),
        "ALLOWED_UPSTREAM_NETWORKS": "",
    }
    server.stop()


def manage(environment: dict[str, str], *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(postgresql: dict[str, str]) -> dict[str, str]:
    """The same after `migrate` and `install`."""
    migrated = manage(postgresql, "migrate", "--verbosity=0")
    assert migrated.returncode == 0, migrated.stderr
    done = manage(postgresql, "install", "--administrator=adam", given="opens the door\n")
    assert done.returncode == 0, done.stderr
    return postgresql


def test_an_operator_migrates_installs_and_the_whole_story_works_on_postgresql(installed: dict[str, str]) -> None:
    told = manage(installed, "shell", "--verbosity=0", "-c", STORY)
    assert told.returncode == 0, told.stderr
    assert "STORY 1 7 blocked 3600" in told.stdout


def test_topics_scopes_and_the_default_version_work_there_too(installed: dict[str, str]) -> None:
    manage(installed, "shell", "--verbosity=0", "-c", STORY)  # unless it was told before
    told = manage(installed, "shell", "--verbosity=0", "-c", SCOPES)
    assert told.returncode == 0, told.stderr
    assert "SCOPES ['rooms:read', 'rooms:write'] ['invalid', 'in_use']" in told.stdout


def test_two_people_who_save_at_the_same_moment_meet_as_they_do_one_after_the_other(installed: dict[str, str]) -> None:
    manage(installed, "shell", "--verbosity=0", "-c", STORY)  # unless it was told before
    told = manage(installed, "shell", "--verbosity=0", "-c", MEETING)
    assert "MEETING postgresql" in told.stdout, told.stderr


def test_who_sees_an_api_and_what_a_search_finds_is_the_same_there(installed: dict[str, str]) -> None:
    manage(installed, "shell", "--verbosity=0", "-c", STORY)  # unless it was told before
    told = manage(installed, "shell", "--verbosity=0", "-c", SEEN)
    uses = ["person sam", "visibility of Chat 1.0.0"]
    assert f"SEEN (0, 0, 1, 1, 1) 1 [1, 0, 1, 0, 0, 1, 1] {uses} True" in told.stdout, told.stderr


def test_documents_comments_and_ratings_work_there_too(installed: dict[str, str]) -> None:
    manage(installed, "shell", "--verbosity=0", "-c", STORY)  # unless it was told before
    told = manage(installed, "shell", "--verbosity=0", "-c", TALK)
    assert "TALK ['Taken', 'Taken', 'Taken', 'done'] [('', 1)] 4.0 1 1" in told.stdout, told.stderr


def test_secrets_are_sealed_and_resealed_there_too(installed: dict[str, str]) -> None:
    manage(installed, "shell", "--verbosity=0", "-c", STORY)  # unless it was told before
    told = manage(installed, "shell", "--verbosity=0", "-c", SECRETS)
    assert "SECRETS 2 {'open sesame'}" in told.stdout, told.stderr
    resealed = manage({**installed, "ENCRYPTION_KEYS": "n" * 32}, "reseal")
    assert resealed.stdout.startswith("2 secret(s) are sealed"), resealed.stderr
    strange = manage(installed, "reseal")
    assert strange.returncode != 0
    assert "2 secret(s) cannot be read" in strange.stderr


def test_a_second_install_changes_nothing_and_says_so(installed: dict[str, str]) -> None:
    again = manage(installed, "install", "--administrator=eve", given="whatever it takes\n")
    assert again.returncode != 0
    assert "installed already" in again.stderr
