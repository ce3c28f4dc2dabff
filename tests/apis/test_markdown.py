"""Markdown becomes HTML, and nothing in it can do anything to who reads it."""

from __future__ import annotations

import re
from time import monotonic

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from apis.markdown import RENDER_LIMIT, remark_to_html, to_html

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<IMG SRC=x OnErRoR=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<style>body{display:none}</style>",
    "<form action=https://evil.example><input name=password>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](file:///etc/passwd)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](https://evil.example/pixel.png)",
    "![x](//evil.example/pixel.png)",
    "![x](/\\evil.example/pixel.png)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "[a](https://a.example 'onmouseover=alert(1) x=\"')",
    '[a](https://a.example" onclick="alert(1))',
    '```"><script>alert(1)</script>\nx\n```',
    "> <script>alert(1)</script>\n> - <b onclick=alert(1)>x",
    "|<script>|\n|-|\n|<img src=x onerror=alert(1)>|",
    "<!-- --><script>alert(1)</script>",
    "<a href='https://a.example' style='position:fixed'>x</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "\u202e<script>alert(1)</script>",
]
ELEMENT = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)([^>]*)>")
ATTRIBUTE = re.compile(r"""([^\s=]+)(?:="([^"]*)")?""")
ALLOWED = {
    *("p", "br", "hr", "h3", "h4", "h5", "h6", "blockquote", "pre", "code", "em", "strong", "s"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "img"),
}


def assert_harmless(markup: str) -> None:
    """Only elements without behaviour, links to the web, and images from this host."""
    for _, name, rest in ELEMENT.findall(markup):
        assert name in ALLOWED, markup
        for attribute, value in ATTRIBUTE.findall(rest):
            assert attribute in {"href", "title", "src", "alt", "loading", "class", "start", "rel"}, markup
            if attribute == "href":
                assert re.match(r"(https?:|mailto:|/|#|[^:]*$)", value), markup
            if attribute == "src":
                assert re.match(r"/[^/\\]", value), markup


@pytest.mark.parametrize("render", [to_html, remark_to_html])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_is_shown_and_does_nothing(render, text):
    for wrapped in (text, f"# {text}", f"- {text}", f"> {text}", f"*{text}*", f"[{text}](https://a.example)"):
        assert_harmless(render(wrapped))


@given(st.text(alphabet=st.sampled_from(list("<>[]()!\"'`*_#|-:\\/&; \n\tajsx1=")), max_size=120))
def test_whatever_is_typed_is_harmless(text):
    assert_harmless(to_html(text))
    assert_harmless(remark_to_html(text))


def test_what_markdown_is_for_works():
    shown = to_html(
        "# Rooms\n\nSay *hello*, **loud** ~~not~~ `code`.\n\n- one\n- two\n\n3. three\n\n"
        "| a | b |\n|:-|-:|\n| 1 | 2 |\n\n```json\n{}\n```\n\n[docs](https://a.example) ![logo](/devportal/logo.png)"
    )
    for piece in (
        "<h3>Rooms</h3>", "<em>hello</em>", "<strong>loud</strong>", "<s>not</s>", "<li>one</li>", '<ol start="3">',
        '<td class="text-end">2</td>', '<code class="language-json">', 'src="/devportal/logo.png"',
        '<a href="https://a.example" rel="noopener noreferrer nofollow">docs</a>',
    ):  # fmt: skip
        assert piece in shown


def test_an_image_from_elsewhere_is_a_link_to_it():
    shown = to_html("![our logo](https://cdn.example/logo.png)")
    assert "<img" not in shown
    assert '<a href="https://cdn.example/logo.png" rel="noopener noreferrer nofollow">our logo</a>' in shown


def test_a_remark_keeps_its_line_breaks_and_has_no_headings():
    shown = remark_to_html("# not a heading\nsecond line\n\n**bold**")
    assert shown == "<p># not a heading<br>\nsecond line</p>\n<p><strong>bold</strong></p>\n"


@pytest.mark.parametrize("piece", ["[", "![", "](", "<", "`", "*a_", "> ", "- ", "|a|\n|-|\n", "[a](", "<a ", "&"])
def test_a_megabyte_that_is_made_to_hurt_does_not(piece):
    started = monotonic()
    shown = to_html(piece * ((1 << 20) // len(piece)))
    assert monotonic() - started < 2, "a megabyte is shown as it is"
    assert shown.startswith("<pre>")
    started = monotonic()
    to_html((piece * (RENDER_LIMIT // len(piece) + 1))[:RENDER_LIMIT])
    assert monotonic() - started < 20  # about one second on an idle machine, and far from exploding


def test_deep_nesting_ends_somewhere():
    for deep in ("> " * 5_000 + "x", "- " * 5_000 + "x", "*" * 5_000 + "x" + "*" * 5_000, "[" * 5_000 + "](a)" * 5_000):
        assert_harmless(to_html(deep))


def test_templates_have_filters_for_both():
    template = Template("{% load wsportal %}{{ text|markdown }}|{{ text|remark }}|{{ none|markdown }}")
    assert template.render(Context({"text": "*a*\nb <i>", "none": None})) == (
        "<p><em>a</em>\nb &lt;i&gt;</p>\n|<p><em>a</em><br>\nb &lt;i&gt;</p>\n|"
    )
