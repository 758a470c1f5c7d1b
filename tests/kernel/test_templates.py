"""Templates are compiled once in a process, and never shown as they were before a change."""

from jinja2 import DictLoader, Environment

from mockpay.kernel import templates


def opened(**pages):
    environment = Environment(loader=DictLoader(pages), autoescape=True)
    templates.prepare(environment)
    return environment


def test_a_second_environment_takes_what_the_first_compiled(monkeypatch):
    first = opened(hello="Hello {{ name }}").get_template("hello")
    second = opened(hello="Hello {{ name }}")
    monkeypatch.setattr(second, "compile", None)
    assert second.get_template("hello").render(name="Asha") == first.render(name="Asha")


def test_another_source_is_compiled_anew():
    assert opened(page="one").get_template("page").render() == "one"
    assert opened(page="two").get_template("page").render() == "two"


def test_values_of_one_environment_stay_there():
    first, second = opened(whose="{{ owner }}"), opened(whose="{{ owner }}")
    first.globals["owner"], second.globals["owner"] = "shop", "sandbox"
    assert first.get_template("whose").render() == "shop"
    assert second.get_template("whose").render() == "sandbox"


def test_a_block_leaves_no_line():
    assert opened(page="{% if true %}\n  {% set a = 1 %}\nx\n{% endif %}\n").get_template(
        "page"
    ).render() == ("x\n")
