#!/usr/bin/env node
// secrets_page.mjs - how long the pages of an environment with 500 secrets take: from the server (median of many), and until Chromium has shown
// them; each beside the same page with 5 secrets, measured in turn in one run. `make bench`; it asserts nothing but that the pages are right.
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";
import { launch } from "../browser/lib/chromium.mjs";

const { check, equal } = lib;
const ROUNDS = 60, SHOWN = 12;
const { product, client, environment } = await flow.stage(lib);
const small = await flow.createEnvironment(client, { slug: "small" });

async function fill(place, count) {
  const href = `${place.href}/secrets/raw`;
  const fields = client.fields(await client.get(href), href);
  fields.set("text", Array.from({ length: count }, (_, i) => `# what key ${i} is for\nKEY_${i}=${"value-of-this-key-".repeat(3)}${i}\n`).join(""));
  const saved = await flow.saveReviewed(client, await client.raw("POST", href, { body: fields }));
  equal(saved.status, 200, saved.text.slice(0, 300));
  return client.fields(await client.get(`${place.href}/secrets`), `${place.href}/secrets`);
}
const forms = new Map([[environment, await fill(environment, 500)], [small, await fill(small, 5)]]);

const median = (times) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
async function timed(body) {
  const from = performance.now();
  await body();
  return performance.now() - from;
}
async function sideBySide(name, run, rounds) {
  const times = new Map([[environment, []], [small, []]]);
  for (let i = 0; i < rounds; i++) for (const [place, list] of times) list.push(await timed(() => run(place)));
  const [large, little] = [environment, small].map((place) => median(times.get(place)));
  console.log(`${name.padEnd(44)} 500 secrets ${large.toFixed(1).padStart(7)} ms   5 secrets ${little.toFixed(1).padStart(7)} ms   ratio ${(large / little).toFixed(1)}`);
}

await sideBySide("GET the table", async (place) => equal((await client.get(`${place.href}/secrets`)).status, 200), ROUNDS);
await sideBySide("GET the raw text", async (place) => equal((await client.get(`${place.href}/secrets/raw`)).status, 200), ROUNDS);
await sideBySide("GET the history", async (place) => equal((await client.get(`${place.href}/secrets/history`)).status, 200), ROUNDS);
await sideBySide("POST the table, to its review", async (place) => {
  const fields = new URLSearchParams(forms.get(place));
  fields.set("value.0", `another value ${Math.random()}`);
  const answer = await client.raw("POST", `${place.href}/secrets`, { body: fields });
  equal(answer.status, 200, "the review");
  check(answer.url.includes("/review/"), answer.url);
}, SHOWN);

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
await context.addCookies([...client.cookies].map(([name, value]) => ({ name, value, url: product.url })));
const page = await context.newPage();
await sideBySide("Chromium: the table is loaded and painted", async (place) => {
  await page.goto(`${product.url}${place.href}/secrets`);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}, SHOWN);
await page.goto(`${product.url}${environment.href}/secrets`);
const typing = [];
for (const key of ["KEY_499", "KEY_25", "KEY_1", "KEY_33", "KEY_471"])
  typing.push(await timed(async () => {
    await page.locator("[data-find]").fill(key);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
  }));
console.log(`${"Chromium: a key is found by typing".padEnd(44)} 500 secrets ${median(typing).toFixed(1).padStart(7)} ms`);
await browser.close();
await lib.done();
