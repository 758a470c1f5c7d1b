"""Templates and static files are never shown as they were before a change."""

import os

from jinja2 import DictLoader, Environment

from mockpay.kernel import templates


def opened(**pages):
    environment = Environment(loader=DictLoader(pages), autoescape=True)
    templates.prepare(environment)
    return environment


def test_a_second_environment_takes_what_the_first_compiled():
    first, second = (opened(hello="Hello {{ name }}").get_template("hello") for _ in range(2))
    assert second is not first
    assert second.root_render_func.__code__ is first.root_render_func.__code__
    assert second.render(name="Asha") == first.render(name="Asha") == "Hello Asha"


def test_another_source_is_compiled_anew():
    assert opened(page="one").get_template("page").render() == "one"
    assert opened(page="two").get_template("page").render() == "two"


def test_values_of_one_environment_stay_there():
    first, second = opened(whose="{{ owner }}"), opened(whose="{{ owner }}")
    first.globals["owner"], second.globals["owner"] = "shop", "sandbox"
    assert first.get_template("whose").render() == "shop"
    assert second.get_template("whose").render() == "sandbox"


def test_a_block_leaves_no_line():
    page = opened(page="{% if true %}\n  {% set a = 1 %}\nx\n{% endif %}\n").get_template("page")
    assert page.render() == "x\n"


def test_a_changed_file_has_another_address(tmp_path):
    style = tmp_path / "page.css"
    add_version = templates.versioned(tmp_path)
    seen = set()
    for second in (1, 2, 2):
        style.write_text("body {}")
        os.utime(style, (second, second))
        values = {"filename": "page.css"}
        add_version("static", values)
        seen.add(values["v"])
    assert len(seen) == 2


def test_other_addresses_stay_as_they_are(tmp_path):
    values = {"token": "a"}
    templates.versioned(tmp_path)("checkout.card", values)
    assert values == {"token": "a"}
