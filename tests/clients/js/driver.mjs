// Drives one client of JavaScript, as ../python/driver.py does for Python's: what to set up as the first line of stdin,
// then one cell per line; one line of JSON answers each.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

class Seen {
  text = '';
  pieces = 0;
  finish = null;
  calls = [];
  parsed = null;
  usage = null;
  error = null;

  piece(text) {
    if (text) {
      this.text += text;
      this.pieces += 1;
    }
  }

  used(given, written, cached, reasoning) {
    this.usage = { input: given ?? null, output: written ?? null, cached: cached ?? null, reasoning: reasoning ?? null };
  }

  failed(error) {
    const classes = [];
    for (let kind = error?.constructor; kind?.name; kind = Object.getPrototypeOf(kind)) classes.push(`js.${kind.name}`);
    if (error?.name && error.name !== classes[0]?.slice(3)) classes.unshift(`js.${error.name}`);
    const status = [error?.status, error?.statusCode].find(Number.isInteger) ?? null;
    this.error = { classes, status, message: String(error?.message ?? JSON.stringify(error)).slice(0, 2000) };
  }
}

function version(name) {
  return JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version;
}

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const plan = JSON.parse((await lines.next()).value);
  const { Client } = await import(`./${plan.module}.mjs`);
  const versions = Object.fromEntries(plan.packages.map((name) => [name, version(name)]));
  console.log(JSON.stringify({ ...versions, node: process.versions.node }));
  const clients = new Map();
  for await (const line of lines) {
    const cell = JSON.parse(line);
    if (!clients.has(cell.key)) clients.set(cell.key, new Client(plan.base_url, cell.key, plan.options));
    const seen = new Seen();
    try {
      await clients.get(cell.key)[cell.op](cell, seen);
    } catch (error) {
      seen.failed(error); // what the SDK throws is what this finds out
    }
    console.log(JSON.stringify(seen));
  }
}

await main();
