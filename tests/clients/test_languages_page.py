"""The programs of docs/languages.md seal what the sandbox opens, and believe what it signed."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.clients.conftest import environment, is_proxy, program, run_program

PAGE = (Path(__file__).parents[2] / "docs" / "languages.md").read_text("utf-8")
JAVA_CHECK = """
class Check {
    public static void main(String[] arguments) throws Exception {
        var result = new java.util.TreeMap<String, String>();
        for (var pair : System.getenv("PAIRS").split("\\n")) result.put(pair.split("\\t")[0], pair.split("\\t")[1]);
        System.out.println(Seal.isSigned(result));
    }
}
"""
#: By language: the program's file, its interpreter, and what asks it whether a result (JSON, the argument) is signed.
LANGUAGES = {
    "js": (
        "seal.mjs",
        "node",
        'import("./seal.mjs").then(seal => console.log(seal.isSigned(JSON.parse(process.env.RESULT))))',
    ),
    "php": ("seal.php", "php", "require 'seal.php'; echo json_encode(is_signed(json_decode(getenv('RESULT'), true)));"),
    "java": ("Seal.java", "java", JAVA_CHECK),
}


@pytest.fixture
def run(tmp_path, seller):
    """Run a command in a folder of its own, with the seller's credentials; its last line."""

    def run(name, *arguments, **more):
        env = environment(is_proxy) | seller.fields["environment"] | more
        printed = run_program(program(name), *arguments, env=env, seconds=60, cwd=tmp_path).strip()
        return printed.splitlines()[-1] if printed else ""

    return run


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_of_the_page_makes_an_order_and_knows_a_signed_result(language, run, tmp_path, seller):
    file, interpreter, check = LANGUAGES[language]
    program = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]
    (tmp_path / file).write_text(program, "utf-8")

    page = requests.get(run(interpreter, file, f"PAGE-{language}"), timeout=20)
    assert "/pay/" in page.url
    [order] = seller.orders(seller_order_id=f"PAGE-{language}")
    assert (order["amount"], order["custom_information"]) == ("499.00", "Chai & Söhne")

    paid = seller.pay(order["order_id"], "upi", vpa="success@mockpay")
    result = dict(parse_qsl(urlsplit(paid["return_url"]).query))
    for right, told in ((True, result), (False, result | {"orderTotalAmount": "4.99"})):
        given = {"RESULT": json.dumps(told), "PAIRS": "\n".join(f"{name}\t{text}" for name, text in told.items())}
        if language == "java":
            (tmp_path / "Check.java").write_text(check)
            run("javac", "-d", ".", "Seal.java", "Check.java")
            command = ("java", "-Dfile.encoding=UTF-8", "-Dsun.jnu.encoding=UTF-8", "-cp", ".", "Check")
            # The environment is read in the locale's encoding.
            assert run(*command, **given, LC_ALL="C.UTF-8") == json.dumps(right)
        else:
            flag = "-e" if language == "js" else "-r"
            assert run(interpreter, flag, check, **given) == json.dumps(right)
