// images.mjs - container images made from nothing and put into a registry over its HTTP interface, in milliseconds and without an engine.
//
//   const { ref, digest } = await pushImage(registry, "backend", "1.2.0", { fault: "flapping=2" })
//
// An image is the lab's base layer (busybox and tests/lab/app.c) and a small layer of its own; what goes into it decides its digest, so the same
// options give the same digest, and another version, fault or content another one. Options:
//   version  what /health says (the tag)                role     "backend" (port 8000) or "frontend" (port 3000); by the name
//   fault    see tests/lab/app.c                        content  any text: another digest, nothing else
//   size     bytes of random data in it: a large image   env, labels   objects
//   files    {path below /app: text}; programs are those in bin/
//   layers   files of further layers between the base and its own (lab.sh layer postgres)
//   cmd, user  instead of the app's program, as root
//   health   Docker's HEALTHCHECK: true (every three seconds, the default: each is a program started by the engine, a quarter of a second of a processor), false, or an object as in the image's configuration
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

const TYPES = "application/vnd.docker";
const SECOND = 1e9; // in the image's configuration times are nanoseconds

const sha256 = (bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const layerOf = (packed, plain) => ({ bytes: packed, digest: sha256(packed), diff: sha256(plain), type: `${TYPES}.image.rootfs.diff.tar.gzip` });

const known = new Map();
function layerOfFile(file) {
  if (!known.has(file)) {
    const packed = readFileSync(file);
    known.set(file, layerOf(packed, gunzipSync(packed)));
  }
  return known.get(file);
}

function ownLayer({ version, fault, content, size, files }) {
  const folder = mkdtempSync(join(tmpdir(), "wl-image-"));
  try {
    mkdirSync(join(folder, "app"));
    writeFileSync(join(folder, "app/VERSION"), `${version}\n`);
    if (fault) writeFileSync(join(folder, "app/FAULT"), `${fault}\n`);
    if (content) writeFileSync(join(folder, "app/content"), content);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, "app", path)), { recursive: true });
      writeFileSync(join(folder, "app", path), text, { mode: path.startsWith("bin/") ? 0o755 : 0o644 });
    }
    if (size) writeFileSync(join(folder, "app/ballast"), randomBytes(size));
    const plain = execFileSync("tar", ["-C", folder, "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-cf", "-", "app"], {
      maxBuffer: 1 << 30,
    });
    return layerOf(gzipSync(plain, { level: size ? 0 : 6 }), plain);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function healthcheck(health, port) {
  if (health === false) return undefined;
  const usual = { Test: ["CMD", "wget", "-q", "-O", "-", `http://127.0.0.1:${port}/health`], Interval: 3 * SECOND, Timeout: 2 * SECOND, Retries: 2 };
  return health === true ? usual : { ...usual, ...health };
}

function configuration(layers, { role, port, health, env, labels, cmd, user }) {
  return JSON.stringify({
    architecture: { x64: "amd64" }[process.arch] ?? process.arch,
    os: "linux",
    created: "2026-01-01T00:00:00Z",
    config: {
      Cmd: cmd ?? ["/app/app", role],
      User: user,
      WorkingDir: "/app",
      Env: ["PATH=/bin", ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      ExposedPorts: { [`${port}/tcp`]: {} },
      Labels: labels,
      Healthcheck: healthcheck(health, port),
    },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diff) },
    history: layers.map(() => ({ created: "2026-01-01T00:00:00Z", created_by: "windlass lab" })),
  });
}

async function ask(registry, method, address, body, headers = {}) {
  const answer = await fetch(new URL(address, `http://${registry.host}`), {
    method,
    body,
    headers: { authorization: `Basic ${Buffer.from(`${registry.user}:${registry.password}`).toString("base64")}`, ...headers },
  });
  const text = await answer.text();
  if (!answer.ok && !(method === "HEAD" && answer.status === 404)) throw new Error(`registry: ${method} ${address}: ${answer.status} ${text}`);
  return answer;
}

async function putBlob(registry, name, { bytes, digest }) {
  const there = await ask(registry, "HEAD", `/v2/${name}/blobs/${digest}`);
  if (there.ok) return;
  const begun = await ask(registry, "POST", `/v2/${name}/blobs/uploads/`);
  const address = new URL(begun.headers.get("location"), `http://${registry.host}`);
  address.searchParams.set("digest", digest);
  await ask(registry, "PUT", address, bytes, { "content-type": "application/octet-stream" });
}

// registry: { host, user, password, layer }, the last being the file that `lab.sh layer` names.
export async function pushImage(registry, name, tag, options = {}) {
  const role = options.role ?? (/frontend/.test(name) ? "frontend" : "backend");
  const wanted = { version: tag, health: true, env: {}, labels: {}, files: {}, role, port: role === "frontend" ? 3000 : 8000, ...options };
  const layers = [registry.layer, ...(wanted.layers ?? [])].map(layerOfFile).concat(ownLayer(wanted));
  const text = Buffer.from(configuration(layers, wanted));
  const config = { bytes: text, digest: sha256(text) };
  for (const blob of [...layers, config]) await putBlob(registry, name, blob);
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType: `${TYPES}.distribution.manifest.v2+json`,
    config: { mediaType: `${TYPES}.container.image.v1+json`, size: config.bytes.length, digest: config.digest },
    layers: layers.map((layer) => ({ mediaType: layer.type, size: layer.bytes.length, digest: layer.digest })),
  }));
  await ask(registry, "PUT", `/v2/${name}/manifests/${tag}`, manifest, { "content-type": `${TYPES}.distribution.manifest.v2+json` });
  const digest = sha256(manifest);
  return { ref: `${registry.host}/${name}:${tag}`, pinned: `${registry.host}/${name}@${digest}`, digest, id: config.digest };
}
