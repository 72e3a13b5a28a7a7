// compose.mjs - what the scenarios with the compose recipe share: the stack of guide 003 (a backend with a volume and a health check, a frontend
// that waits for it, tags, an .env file), a product with registry and servers of the lab, and looking at what the containers do.
import { check, equal, until } from "../../lib/product.mjs";
import * as flow from "../../lib/flow.mjs";

// The guide's file, with ${TAG} where it pins :latest, and health checks every other second instead of every half minute.
export const stackFile = (host, { frontendPort = 3000, backendPort = 8000, extra = "", backend = "" } = {}) => `services:
  backend:
    image: ${host}/chat-backend:\${TAG}
    restart: unless-stopped
    ports:
      - "127.0.0.1:${backendPort}:8000"
    environment:
      - DATA_DIR=/app/data
    env_file:
      - .env
    volumes:
      - chat_data:/app/data
${backend}    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8000/health"]
      interval: 2s
      timeout: 2s
      retries: 3
    networks:
      - chat-network

  frontend:
    image: ${host}/chat-frontend:\${TAG}
    restart: unless-stopped
    ports:
      - "127.0.0.1:${frontendPort}:3000"
    depends_on:
      backend:
        condition: service_healthy
    networks:
      - chat-network
${extra}
volumes:
  chat_data:
    name: chat-data

networks:
  chat-network:
    driver: bridge
`;

export async function pushStack(registry, tag, { backend = {}, frontend = {} } = {}) {
  return {
    backend: await registry.push("chat-backend", tag, backend),
    frontend: await registry.push("chat-frontend", tag, frontend),
  };
}

export async function addRegistry(client, registry, slug = "lab") {
  const added = await client.submit("/registries/new", { slug, host: registry.host, login: registry.user, password: registry.password });
  check(added.status === 200 && !added.url.endsWith("/new"), `registry added: ${added.status} ${added.url} ${errorsOf(added)}`);
}

export const errorsOf = (page) => [...page.text.matchAll(/class="error">([^<]*)/g)].map((m) => m[1]).join(" / ");

export async function createApp(client, slug = "chat") {
  const created = await client.submit("/apps/new", { slug, name: "Chat", note: "" });
  check(created.url.startsWith(`/apps/${slug}`), `app created: ${created.status} ${created.url}`);
}

export async function createEnvironment(client, slug, { app = "chat", server, file, settings = {} }) {
  const values = { slug, tier: "staging", [`server.${server}`]: "1", "settings.compose": file, "settings.registries.lab": "1" };
  const all = { soak_s: "2", health_port: "8000", health_count: "2", health_soak_s: "1", health_deadline_s: "20", ...settings };
  for (const [key, value] of Object.entries(all)) values[`settings.${key}`] = value;
  const created = await client.submit(`/apps/${app}/new?recipe=compose`, values);
  equal(created.url, `/apps/${app}/${slug}`, `environment created: ${created.status} ${errorsOf(created)}`);
  return { app, slug, href: `/apps/${app}/${slug}`, project: settings.project ?? `${app}-${slug}` };
}

export async function change(client, environment, settings) {
  const values = {};
  for (const [key, value] of Object.entries(settings)) values[`settings.${key}`] = value;
  const saved = await client.submit(`${environment.href}/settings`, values);
  equal(saved.url, environment.href, `settings saved: ${saved.status} ${errorsOf(saved)}`);
}

// Values of kind secret, in the rows that are empty; a kept row stays as it is. The answer may be a page of errors: the caller looks.
export async function trySecrets(client, environment, values) {
  const page = await client.get(`${environment.href}/secrets`);
  const fields = client.fields(page, `${environment.href}/secrets`);
  const used = [...fields.keys()].filter((name) => name.startsWith("key.") && fields.get(name) !== "").length;
  for (const [i, [key, value]] of Object.entries(values).entries()) {
    fields.set(`key.${used + i}`, key);
    fields.set(`value.${used + i}`, value);
    fields.set(`kind.${used + i}`, "secret");
  }
  return await flow.saveReviewed(client, await client.raw("POST", `${environment.href}/secrets`, { body: fields }));
}

export async function saveSecrets(client, environment, values) {
  const saved = await trySecrets(client, environment, values);
  equal(saved.status, 200, `secrets saved: ${errorsOf(saved)}`);
  const before = Object.keys(values).filter((key) => !saved.text.includes(`<code>${key}</code>`));
  equal(before.join(), "", "every key is in the set");
}

// Row by row, from the first on: the set is {key: value}, each of the kind that kindOf(key, value) says.
export async function saveTable(client, environment, values, kindOf) {
  const path = `${environment.href}/secrets`;
  const fields = client.fields(await client.get(path), path);
  Object.entries(values).forEach(([key, value], i) => {
    fields.set(`key.${i}`, key);
    fields.set(`value.${i}`, value);
    fields.set(`kind.${i}`, kindOf(key, value));
  });
  const saved = await flow.saveReviewed(client, await client.raw("POST", path, { body: fields }));
  equal(`${saved.status} ${saved.url.split("?")[0]}`, `200 ${path}`, `saved: ${errorsOf(saved)}`);
}

export async function addFile(client, environment, values) {
  const href = `${environment.href}/secrets/add?form=file`;
  const fields = client.fields(await client.get(href), href);
  for (const [name, value] of Object.entries(values)) fields.set(name, value);
  const saved = await flow.saveReviewed(client, await client.raw("POST", href, { body: fields }));
  equal(saved.status, 200, `saved: ${errorsOf(saved)}`);
  check(saved.text.includes(`<code>${values.key}</code>`), `${values.key} is in the set: ${saved.url} ${errorsOf(saved)}`);
}

// The project's containers as the engine itself tells: service -> {image (id), status, health, restarts, started, name}.
export async function containers(server, project) {
  const format = '{{index .Config.Labels "com.docker.compose.service"}}\t{{.Image}}\t{{.State.Status}}\t{{if .State.Health}}{{.State.Health.Status}}{{end}}\t{{.RestartCount}}\t{{.State.StartedAt}}\t{{.Name}}\t{{.Config.Image}}';
  const text = await server.exec(`ids=$(docker ps -aq --filter label=com.docker.compose.project=${project}); [ -z "$ids" ] || docker inspect --format '${format}' $ids`);
  const found = {};
  for (const line of text.split("\n").filter(Boolean)) {
    const [service, image, status, health, restarts, started, name, named] = line.split("\t");
    found[service] = { image, status, health, restarts: Number(restarts), started, name, named };
  }
  return found;
}

export const inside = async (server, port, path) => (await server.exec(`curl -sS -m 5 http://127.0.0.1:${port}${path}`)).trim();

// Every container of the stack runs this very image and is well.
export async function equalStack(server, project, images, text = "") {
  const seen = await containers(server, project);
  equal(Object.keys(seen).sort().join(), "backend,frontend", `${text} containers`);
  for (const [service, image] of Object.entries(images)) {
    equal(seen[service].image, image.id, `${text} ${service} runs the image`);
    equal(seen[service].status, "running", `${text} ${service}`);
  }
  equal(seen.backend.health, "healthy", `${text} backend`);
  return seen;
}

export function failedStep(model, host = 0) {
  return model.hosts[host].steps.find((s) => ["failed", "unknown"].includes(s.status.state) && s.name !== "unlock");
}

// The words a person reads: the step, its cause with a fix.
export function equalFailure(model, { verdict, step, cause }) {
  const bad = failedStep(model);
  equal(model.job.status.state, verdict, `${model.job.summary} (at ${bad?.name}: ${bad?.cause})`);
  equal(bad?.name, step, `the failed step: ${bad?.cause}`);
  check(cause.test(bad.cause), `cause: ${bad.cause}`);
  check(/ Fix: /.test(bad.cause), `it says the fix: ${bad.cause}`);
}

export { flow, until };
