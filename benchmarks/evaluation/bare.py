"""The floor: the least that still is an evaluation. Ask, look for the target in the answer, keep a row.

    python bare.py CASES.jsonl BASE_URL RESULTS.sqlite CONCURRENCY end|each

aiohttp, uvloop, orjson, one SQLite row a case. No forecast, no retries, no timeouts, no classes of failure,
no statistics, no report. The rows are committed once, at the `end`, so that a killed run keeps nothing; or
`each` at once, in the cheapest way that survives a kill (a write-ahead log that is never synced).
"""

import asyncio
import sqlite3
import sys
import time

import aiohttp
import orjson
import uvloop


async def main(cases_file: str, base_url: str, results: str, concurrency: int, commit: str) -> None:
    with open(cases_file, "rb") as file:  # noqa: ASYNC230, PTH123  # nothing else runs yet; not even pathlib is loaded
        cases = [orjson.loads(line) for line in file]
    rows = sqlite3.connect(results, isolation_level=None)
    rows.execute("PRAGMA journal_mode = WAL")
    rows.execute("PRAGMA synchronous = OFF")
    rows.execute("CREATE TABLE answers (id TEXT, output TEXT, score REAL, latency_s REAL)")
    if commit == "end":
        rows.execute("BEGIN")
    url, headers = f"{base_url}/chat/completions", {"content-type": "application/json", "authorization": "Bearer none"}
    waiting, right = iter(cases), 0

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def worker() -> None:
            nonlocal right
            for case in waiting:
                body = orjson.dumps({"model": "bench", "messages": [{"role": "user", "content": case["input"]}]})
                began_s = time.perf_counter()
                async with session.post(url, data=body, headers=headers) as response:
                    reply = orjson.loads(await response.read())
                output = reply["choices"][0]["message"]["content"]
                score = float(case["target"] in output)
                right += score == 1.0
                row = (case["id"], output, score, time.perf_counter() - began_s)
                rows.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", row)

        await asyncio.gather(*[worker() for _ in range(concurrency)])
    if commit == "end":
        rows.execute("COMMIT")
    print(f"{right} of {len(cases)} right")


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]))
