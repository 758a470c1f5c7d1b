"""What Python's clients get that read no proxy variable. Prints JSON, a line each."""

import asyncio
import http.client
import socket
import ssl

import aiohttp
import requests
import urllib3

HOST, PATH = "amazonpay.amazon.in", "/getDynamicConfig?key=serverSideSDKPYTHON"


async def by_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(f"https://{HOST}{PATH}") as answer:
        return await answer.text()


def by_address():
    """As clients do that look the address up and add the port themselves: httpx with asyncio, trio."""
    address = socket.gethostbyname(HOST)
    connection = http.client.HTTPSConnection(HOST)
    connection.sock = ssl.create_default_context().wrap_socket(
        socket.create_connection((address, 443)), server_hostname=HOST
    )
    connection.request("GET", PATH)
    return connection.getresponse().read().decode()


for connection in (http.client.HTTPSConnection(HOST), http.client.HTTPConnection(HOST)):
    connection.request("GET", PATH)
    print(connection.getresponse().read().decode(), end="")
print(urllib3.PoolManager().request("GET", f"https://{HOST}{PATH}").data.decode(), end="")
session = requests.Session()
session.trust_env = False  # its roots are then its own too
print(session.get(f"https://{HOST}{PATH}").text, end="")
print(asyncio.run(by_aiohttp()), end="")
print(by_address(), end="")
