// installed_path.mjs - up_installed.sh's browser: over TLS from the set-up address to a release that is live, on the installed machine itself.
//
//   installed_path.mjs CONTAINER SETUP_URL        with a hosts file in which the name of SETUP_URL is that machine's address
import { execFileSync } from "node:child_process";
import { check, equal, Client } from "../../lib/product.mjs";
import { addServer, createApp, createEnvironment, deploy, setUp, step } from "../../lib/flow.mjs";

const [container, setupUrl] = process.argv.slice(2);
const url = new URL(setupUrl).origin;
const inside = (text, input) => execFileSync("docker", ["exec", "-i", container, "sh", "-euc", text], { encoding: "utf8", input }).trim();

const plain = await fetch(setupUrl);
equal(plain.status, 200, "set-up page");
check(/max-age=/.test(plain.headers.get("strict-transport-security") ?? ""), "HSTS");
for (const line of plain.headers.getSetCookie()) check(line.startsWith("__Host-") && /; Secure/i.test(line), `cookie ${line}`);
equal((await new Client(url).get("/_logs/x")).status, 404, "an internal file");

const client = await setUp({ url, setupUrl });
const target = {
  address: "root@127.0.0.1:22",
  authorize: (line) => inside("cat >>/root/.ssh/authorized_keys", `${line.trim()}\n`),
  fingerprint: () => inside("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split(" ")[1],
};
await addServer(client, target);
await createApp(client);
const environment = await createEnvironment(client);
const good = await deploy(client, environment, "1.0.0");
equal(good.job.status.state, "live", `${good.job.summary} ${JSON.stringify(step(good, "health")?.cause ?? "")}`);
const bad = await deploy(client, environment, "1.2.0");
equal(bad.job.status.state, "reverted", bad.job.summary);
const page = await client.get(`/jobs/${bad.job.id}`);
equal(page.status, 200, "the job's page, with its log");
const raw = await client.get(`/jobs/${bad.job.id}/log`);
check(raw.status === 200 && raw.text.includes("1.2.0"), `raw log through nginx: ${raw.status}`);
process.exit(0);
