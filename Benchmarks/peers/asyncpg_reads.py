"""asyncpg on uvloop: one-row reads by primary key, one task a connection.
usage: asyncpg_reads.py SOCKET_FOLDER PORT USER DATABASE CONNECTIONS SECONDS ROWS
Prints nanoseconds a read: wall time, then CPU time of this process.
"""
import asyncio
import random
import sys
import time

import asyncpg
import uvloop

folder, port, user, database = sys.argv[1:5]
connections, seconds, rows = map(int, sys.argv[5:8])


async def reads(pool, until):
    count = 0
    while time.monotonic() < until:
        async with pool.acquire() as connection:
            await connection.fetchval(
                "SELECT abalance FROM pgbench_accounts WHERE aid = $1", random.randint(1, rows))
        count += 1
    return count


async def main():
    pool = await asyncpg.create_pool(
        host=folder, port=int(port), user=user, database=database, min_size=connections, max_size=connections)
    async with pool:
        await asyncio.gather(*(reads(pool, time.monotonic() + 0.3) for _ in range(connections)))
        begun, used = time.monotonic(), time.process_time()
        counts = await asyncio.gather(*(reads(pool, begun + seconds) for _ in range(connections)))
        done = sum(counts)
        print(f"{(time.monotonic() - begun) * 1e9 / done}\t{(time.process_time() - used) * 1e9 / done}")


uvloop.run(main())
