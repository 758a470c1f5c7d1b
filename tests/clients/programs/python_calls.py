"""What Python's clients get that read no proxy variable. Prints JSON, a line each."""

import asyncio
import http.client

import aiohttp
import requests
import urllib3

HOST, PATH = "amazonpay.amazon.in", "/getDynamicConfig?key=serverSideSDKPYTHON"


async def by_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(f"https://{HOST}{PATH}") as answer:
        return await answer.text()


for connection in (http.client.HTTPSConnection(HOST), http.client.HTTPConnection(HOST)):
    connection.request("GET", PATH)
    print(connection.getresponse().read().decode(), end="")
print(urllib3.PoolManager().request("GET", f"https://{HOST}{PATH}").data.decode(), end="")
session = requests.Session()
session.trust_env = False  # its roots are then its own too
print(session.get(f"https://{HOST}{PATH}").text, end="")
print(asyncio.run(by_aiohttp()), end="")
