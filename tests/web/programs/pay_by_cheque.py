"""Pays by cheque twice, the second one bounces; prints what the pages and the control API show."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import mockpay.domain.methods

folder, keys = Path(sys.argv[1]), sys.argv[2]
mockpay.domain.methods.__path__.append(str(folder))

from mockpay.app import create_app, runtime_of  # noqa: E402 - after the method is there
from mockpay.settings import Settings  # noqa: E402
from tests.factories import World  # noqa: E402

app = create_app(Settings(keys_dir=Path(keys), database_url=f"sqlite:///{folder}/cheque.db"))
world, client = World.new(runtime_of(app)), app.test_client()
ui, api = f"/_mockpay/ui/sellers/{world.seller_id}", f"/_mockpay/v1/sellers/{world.seller_id}"
shown = {}
for name, number in (("paid", "12"), ("bounced", "13")):
    order = world.order(name)
    pay = f"/pay/{order.page_token}/"
    shown["tiles"] = client.get(pay).text
    shown["form"] = client.get(f"{pay}cheque").text
    shown["refused"] = client.post(f"{pay}cheque", data={"number": "x"}).text
    assert client.post(f"{pay}cheque", data={"number": number}).status_code == 303
    shown[f"{name} result"] = client.get(f"{pay}result").text
    shown[name] = client.get(f"{ui}/orders/{order.order_id}").text
shown["filtered"] = client.get(f"{ui}/orders?method=cheque").text
shown["scenarios"] = client.get(f"{ui}/scenarios").text
shown["methods"] = client.get(f"{api}/methods").json
sys.stdout.write(json.dumps(shown))
