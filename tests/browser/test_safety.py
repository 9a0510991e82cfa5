from __future__ import annotations

from collections import Counter

import pytest

from anatomy.findings import Findings
from anatomy.report import html
from anatomy.report.document import document
from tests.browser.conftest import HOSTILE_NAME

pytestmark = pytest.mark.browser

# Tags and attributes outside the figures, with how often each occurs.
PARTS = """() => {
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    if (element.closest("svg")) continue;
    found.push(element.localName);
    for (const attribute of element.attributes) {
      found.push(element.localName + " " + attribute.name);
    }
  }
  return found;
}"""


def test_nothing_in_a_name_or_a_prompt_becomes_part_of_the_page(visit, findings, drawn, tmp_path):
    text = findings.model_dump_json()
    escaped = HOSTILE_NAME.replace('"', r"\"")
    assert escaped in text
    harmless = Findings.model_validate_json(text.replace(escaped, "harmless"))
    path = tmp_path / "harmless.html"
    path.write_bytes(html.render(document(harmless), drawn))
    with visit() as page:  # complains of a dialog, an error, a request
        assert page.locator("#table-sources tbody th").first.inner_text() == HOSTILE_NAME
        for button in page.locator(".sieve button, #theme, .explorer button").all():
            if button.is_enabled():
                button.click()
        page.locator(".explorer [type=number]").first.fill("1")  # names the sources it cuts
        assert HOSTILE_NAME in page.locator(".explorer .verdict").first.inner_text()
    with visit() as page, visit(path.as_uri()) as other:
        assert Counter(page.evaluate(PARTS)) == Counter(other.evaluate(PARTS))
        names = {part.partition(" ")[2] for part in page.evaluate(PARTS)}
        assert not [name for name in names if name.startswith("on")]
        assert page.locator("img, iframe, object, embed, form, base").count() == 0


def test_the_policy_stops_what_is_not_the_pages_own(visit):
    with visit(forgiven=("Content Security Policy",)) as page:
        policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        broken = page.evaluate(
            """async () => {
              const broken = [];
              document.addEventListener("securitypolicyviolation",
                event => broken.push(event.effectiveDirective));
              const script = document.createElement("script");
              script.textContent = "window.injected = true";
              document.body.append(script);
              const holder = document.createElement("div");
              holder.setAttribute("onclick", "window.injected = true");
              document.body.append(holder);
              holder.click();
              const image = document.createElement("img");
              image.src = "http://127.0.0.1:9/image.png";
              document.body.append(image);
              await fetch("http://127.0.0.1:9/").catch(() => {});
              await new Promise(done => setTimeout(done, 100));
              return broken;
            }"""
        )
        assert page.evaluate("window.injected") is None
        assert {"script-src-elem", "script-src-attr", "img-src", "connect-src"} <= set(broken)
