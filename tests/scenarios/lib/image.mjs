// image.mjs - what the scenarios with the recipe `image` share: an app of one image behind the nginx of a server of the lab, and looking at both.
import { request } from "node:http";
import { equal, sleep } from "../../lib/product.mjs";
import { errorsOf } from "./compose.mjs";

export const SITE = "shop.example.test";

// The site as its owner wrote it, with the headers that websockets want (guide 000). The upstream is not there before the first deploy.
export const site = (upstream) => `server {
  listen 80;
  server_name ${SITE};
  location / {
    proxy_pass http://${upstream};
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_buffering off;
  }
}
`;
export const writeSite = (server, upstream) => server.exec("cat >/etc/nginx/sites-enabled/shop", { input: site(upstream) });

// What a person does once, as the product says it in its Fix lines: the folder, the include, the two commands of sudo.
export async function allowNginx(server) {
  await server.exec(`install -d -o deploy /etc/nginx/windlass
    echo 'include /etc/nginx/windlass/*.conf;' >/etc/nginx/conf.d/windlass.conf
    echo 'deploy ALL=(root) NOPASSWD: /usr/sbin/nginx -t, /usr/sbin/nginx -s reload' >/etc/sudoers.d/windlass`);
}

// nginx as at the boot of a server whose site is still another one.
export const startNginx = (server) => server.exec("rm -f /etc/nginx/sites-enabled/default; nginx");

export async function createEnvironment(client, slug, { app = "shop", server, registry, settings = {} }) {
  const quick = { soak_s: "1", health_count: "1", health_soak_s: "0", health_deadline_s: "10", drain_s: "2", stop_s: "2", site_url: `http://${SITE}/health` };
  const values = { slug, tier: "staging", [`server.${server}`]: "1", "settings.registries.lab": "1" };
  for (const [key, value] of Object.entries({ image: `${registry.host}/shop`, ...quick, ...settings })) values[`settings.${key}`] = value;
  const created = await client.submit(`/apps/${app}/new?recipe=image`, values);
  equal(created.url, `/apps/${app}/${slug}`, `environment created: ${created.status} ${errorsOf(created)}`);
  return { app, slug, href: `/apps/${app}/${slug}`, project: `${app}-${slug}` };
}

// Through nginx, from another machine: { status, body }. A connection of its own each time.
export function ask(server, path = "/health", headers = {}) {
  return new Promise((done, fail) => {
    const asked = request({ host: server.ip, port: 80, path, headers: { host: SITE, connection: "close", ...headers }, timeout: 10000 }, (answer) => {
      const parts = [];
      answer.on("data", (bytes) => parts.push(bytes));
      answer.on("end", () => done({ status: answer.statusCode, body: Buffer.concat(parts) }));
      answer.on("error", fail);
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", fail);
    asked.end();
  });
}

export const versionAt = async (server) => JSON.parse((await ask(server)).body.toString()).version;

// Somebody asks all the time, with a new connection each, and keeps count.
export function crowd(server) {
  let goes = true;
  const seen = { answers: 0, bad: [], versions: new Set() };
  const one = async () => {
    while (goes) {
      try {
        const { status, body } = await ask(server, "/health");
        seen.answers++;
        if (status === 200) seen.versions.add(JSON.parse(body.toString()).version);
        else seen.bad.push(status);
      } catch (error) {
        seen.bad.push(error.code ?? error.message);
      }
      await sleep(10);
    }
  };
  const all = Promise.all([one(), one(), one(), one()]);
  return async () => {
    goes = false;
    await all;
    return seen;
  };
}

// The environment's containers as the engine tells: name -> {state, image, role, ports, restarts, policy, started}.
export async function containers(server, project) {
  const format = '{{slice .Name 1}}\t{{.State.Status}}\t{{.Image}}\t{{index .Config.Labels "windlass.role"}}\t{{range $p, $at := .HostConfig.PortBindings}}{{range $at}}{{.HostIP}}:{{.HostPort}}{{end}}{{end}}\t{{.RestartCount}}\t{{.HostConfig.RestartPolicy.Name}}\t{{.State.StartedAt}}\t{{.Config.Image}}';
  const text = await server.exec(`ids=$(docker ps -aq --filter label=windlass.environment --filter name=${project}-); [ -z "$ids" ] || docker inspect --format '${format}' $ids`);
  const found = {};
  for (const line of text.split("\n").filter(Boolean)) {
    const [name, state, image, role, ports, restarts, policy, started, named] = line.split("\t");
    found[name] = { name, state, image, role, ports, restarts: Number(restarts), policy, started, named };
  }
  return found;
}

export async function running(server, project) {
  return Object.values(await containers(server, project)).filter((c) => c.state === "running").map((c) => c.name).sort().join(" ");
}
