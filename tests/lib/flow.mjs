// flow.mjs - what a person does with Windlass, over HTTP and without a screen: the steps that most end-to-end tests begin with.
import { readFileSync } from "node:fs";
import { Client, check, equal, freePort, helloTarballs, until } from "./product.mjs";

export const PASSWORD = "a horse, a battery and a staple";

export async function setUp(product) {
  const client = new Client(product.url);
  const path = new URL(product.setupUrl).pathname;
  const answer = await client.submit(path, { name: "Ann Weaver", login: "ann", password: PASSWORD });
  equal(answer.status, 200, `set-up ends at ${answer.url}: ${answer.text.slice(0, 300)}`);
  check(!answer.url.startsWith("/setup") && !answer.url.startsWith("/login"), `set-up leads in, not to ${answer.url}`);
  return client;
}

// Add the target as a server, put our key there, confirm the fingerprint that the target's own keygen prints.
export async function addServer(client, target, slug = "box") {
  const added = await client.submit("/servers/new", { address: target.address, slug });
  check(added.url.startsWith(`/servers/${slug}`), `server added: ${added.status} ${added.url} ${added.text.slice(0, 500)}`);
  const { authorized_keys } = await client.json(`/servers/${slug}`);
  check(authorized_keys.startsWith('restrict,port-forwarding,permitopen="127.0.0.1:*" ssh-ed25519 '), authorized_keys);
  target.authorize(authorized_keys);
  const asked = await client.json(`/servers/${slug}?ask=1`);
  equal(asked.presented?.print, target.fingerprint(), "presented host key");
  const pinned = await client.submit(`/servers/${slug}?ask=1`, {}, { action: `/servers/${slug}/pin` });
  equal(pinned.status, 200, "pin");
  equal((await client.json(`/servers/${slug}`)).pinned?.print, target.fingerprint(), "pinned host key");
}

// The settings of the hello example for one environment: a folder and a port of its own.
export function helloSettings(name, port, more = {}) {
  return { deploy_dir: `apps/${name}`, start_command: "exec ./hello", port: String(port), health_path: "/health", health_count: "2", health_soak_s: "1", health_deadline_s: "8", ...more };
}

export async function createApp(client, slug = "hello") {
  const created = await client.submit("/apps/new", { slug, name: "Hello", note: "" });
  check(created.url.startsWith(`/apps/${slug}`), `app created: ${created.status} ${created.url}`);
  const files = helloTarballs();
  for (const [version, file] of Object.entries(files)) {
    const sent = await client.upload(`/apps/${slug}`, `/apps/${slug}/artefacts`, { version }, file);
    equal(sent.status, 200, `upload ${version}: ${sent.text.slice(0, 300)}`);
  }
}

export async function createEnvironment(client, { app = "hello", slug = "staging", tier = "staging", servers = ["box"], settings } = {}) {
  const port = settings?.port ?? String(await freePort());
  const values = { slug, tier };
  for (const server of servers) values[`server.${server}`] = "1";
  for (const [key, value] of Object.entries(settings ?? helloSettings(`${app}-${slug}`, port))) values[`settings.${key}`] = value;
  const created = await client.submit(`/apps/${app}/new?recipe=release`, values, { action: undefined });
  check(created.url.startsWith(`/apps/${app}/${slug}`), `environment created: ${created.status} ${created.url} ${created.text.match(/class="[^"]*error[^"]*"[^>]*>[^<]*/g)?.join(" ")}`);
  return { app, slug, port: Number(port), href: `/apps/${app}/${slug}` };
}

// From the review page that a change of secrets leads to: saved. An answer that is something else comes back as it is.
export async function saveReviewed(client, answer, values = {}) {
  if (!/\/secrets\/review\/[a-z0-9]+$/.test(answer.url) || answer.status !== 200) return answer;
  const fields = client.fields(answer, answer.url);
  for (const [name, value] of Object.entries({ action: "save", ...values })) fields.set(name, value);
  return await client.raw("POST", answer.url, { body: fields });
}

export async function startDeploy(client, environment, version) {
  const answer = await client.submit(`${environment.href}/deploy?version=${version}`, {}, { action: `${environment.href}/deploy` });
  const job = answer.url.match(/^\/jobs\/([a-z0-9]+)/)?.[1];
  check(job, `deploy ${version} leads to a job, not ${answer.status} ${answer.url}: ${answer.text.slice(0, 500)}`);
  return job;
}

export async function jobOf(client, id) {
  return await client.json(`/jobs/${id}`);
}

export async function waitForJob(client, id, limitMs = 120000) {
  return await until(`job ${id} to end`, async () => {
    const model = await jobOf(client, id);
    return model.job.is_ended ? model : null;
  }, limitMs, 150);
}

export async function deploy(client, environment, version, limitMs) {
  return await waitForJob(client, await startDeploy(client, environment, version), limitMs);
}

// What the servers say before a deploy of this version, as its page shows it. A deploy after it runs the digests that were seen.
export async function look(client, environment, version, limitMs = 90000) {
  const page = `${environment.href}/deploy?version=${version}`;
  await client.submit(page, {}, { action: `${environment.href}/plan` });
  const { plan } = await client.json(page);
  await waitForJob(client, plan.look.job_href.split("/").pop(), limitMs);
  return (await client.json(page)).plan.look;
}

// Back to release `number`; `parts` that are not to come back are named in `without`.
export async function rollback(client, environment, number, { without = [], limitMs } = {}) {
  const action = `${environment.href}/releases/${number}/rollback`;
  const fields = client.fields(await client.get(action), action);
  for (const part of without) fields.delete(`part.${part}`);
  const answer = await client.raw("POST", action, { body: fields });
  const job = answer.url.match(/^\/jobs\/([a-z0-9]+)/)?.[1];
  check(job, `rolling back to v${number} leads to a job, not ${answer.status} ${answer.url}: ${answer.text.slice(0, 500)}`);
  return await waitForJob(client, job, limitMs);
}

// restart, stop, start or redeploy, from its confirm page.
export async function operate(client, environment, what, limitMs) {
  const action = `${environment.href}/operate/${what}`;
  const answer = await client.submit(action, {}, { action });
  const job = answer.url.match(/^\/jobs\/([a-z0-9]+)/)?.[1];
  check(job, `${what} leads to a job, not ${answer.status} ${answer.url}: ${answer.text.slice(0, 500)}`);
  return limitMs === 0 ? job : await waitForJob(client, job, limitMs); // 0: the job alone
}

// One command in the live release; fields: command, service, how, limit_s.
export async function command(client, environment, fields, limitMs) {
  const action = `${environment.href}/command`;
  const server = client.fields(await client.get(action), action).get("server");
  const review = await client.submit(action, { server, ...fields }, { action });
  const asked = client.fields(review, action);
  if (asked.has("password")) asked.set("password", PASSWORD); // signed in for longer than ten minutes
  const answer = await client.raw("POST", action, { body: asked });
  const job = answer.url.match(/^\/jobs\/([a-z0-9]+)/)?.[1];
  check(job, `a command leads to a job, not ${answer.status} ${answer.url}: ${answer.text.slice(0, 500)}`);
  return limitMs === 0 ? job : await waitForJob(client, job, limitMs);
}

export async function logs(client, environment, fields, limitMs) {
  const action = `${environment.href}/logs`;
  const answer = await client.submit(action, fields, { action });
  const job = answer.url.match(/^\/jobs\/([a-z0-9]+)/)?.[1];
  check(job, `a log leads to a job, not ${answer.status} ${answer.url}: ${answer.text.slice(0, 500)}`);
  return limitMs === 0 ? job : await waitForJob(client, job, limitMs);
}

export async function resume(client, environment) {
  await client.submit(environment.href, {}, { action: `${environment.href}/resume` });
}

export async function health(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/health`);
  return await answer.json();
}

export function step(model, name, host = 0) {
  return model.hosts[host].steps.find((s) => s.name === name);
}


// The whole stage most tests need: product, one target, app hello with three versions, one environment.
export async function stage({ startProduct, startTarget }, options = {}) {
  const product = await startProduct(options.product);
  const target = await startTarget(options.target);
  const client = await setUp(product);
  await addServer(client, target);
  await createApp(client);
  const environment = await createEnvironment(client, options.environment);
  return { product, target, client, environment };
}

export function logText(product, id) {
  return readFileSync(`${product.var}/serve/logs/${id}.log`, "utf8");
}
