"""Reads recorded APIs by aiohttp, each list from page to page: chain, one list after the other; gather, all lists at once.

Prints how many records came. Arguments: the way, and the address of the server."""
import asyncio
import sys

import aiohttp

LISTS = [f"/v2/{name}/" for name in ("spells", "weapons", "armor", "backgrounds", "feats", "conditions")]
LISTS += [f"/v1/{name}/" for name in ("monsters", "classes", "races")]
LISTS += ["/api/2014/rules", "/api/2014/rule-sections"]


async def get(session, address):
    async with session.get(address) as response:
        response.raise_for_status()
        return await response.json()


async def follow(session, server, path):
    count, address = 0, server + path
    while address:
        page = await get(session, address)
        records = page["results"]
        if path.startswith("/api/"):
            records = await asyncio.gather(*(get(session, server + r["url"]) for r in records))
        count += len(records)
        address = page.get("next")
    return count


async def main(way, server):
    async with aiohttp.ClientSession() as session:
        if way == "gather":
            return sum(await asyncio.gather(*(follow(session, server, path) for path in LISTS)))
        return sum([await follow(session, server, path) for path in LISTS])


print(asyncio.run(main(*sys.argv[1:])))
