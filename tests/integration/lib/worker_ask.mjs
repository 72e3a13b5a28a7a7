// worker_ask.mjs - asking the worker as windlass-web does, for what a test must not do by a page: forged questions, many saves.
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { top } from "../../lib/product.mjs";

const build = process.env.SAN === "1" ? "build/san" : "build";

// The path of a C helper of this folder, built.
export function helper(name) {
  const program = `${build}/tests/integration/lib/${name}`;
  execFileSync("make", ["-s", "--no-print-directory", `SAN=${process.env.SAN ?? "0"}`, program], { cwd: top, stdio: ["ignore", "ignore", "inherit"] });
  return join(top, program);
}

let asker;
export function seal(product, bytes) {
  asker ??= helper("asker");
  const key = product.sql("SELECT lower(hex(seal_key)) AS key FROM instance")[0].key;
  return execFileSync(asker, ["seal", key], { input: bytes, encoding: "utf8", maxBuffer: 1 << 22 }).trim();
}

// The answer as an object.
export function ask(product, question) {
  asker ??= helper("asker");
  const text = JSON.stringify({ ip: "127.0.0.1", request_id: "test", ...question });
  return JSON.parse(execFileSync(asker, ["ask", join(product.var, "run/ask.sock")], { input: text, encoding: "utf8" }));
}

// The session's token, as the cookie has it.
export const tokenOf = (client) => [...client.cookies].find(([name]) => /^(__Host-)?windlass(-\d+)?$/.test(name))[1];
export const hashOf = (token) => createHash("sha256").update(token).digest("hex");

// Save a set: entries {KEY: value}, null keeps what is there. The worker's answer.
export function saveSecrets(product, { token, environment, user, base, entries, message = "" }) {
  const id = randomBytes(13).toString("hex").slice(0, 26).replace(/[^0-9a-f]/g, "0");
  const rows = Object.entries(entries).map(([key, value], i) => `('${id}', ${i}, '${key}', 'secret', ${value === null ? base : 0}, ${value === null ? "NULL" : `x'${seal(product, value)}'`})`);
  product.sql(`BEGIN IMMEDIATE; INSERT INTO draft (id, environment_id, user_id, base_set, created_at) VALUES ('${id}', '${environment}', '${user}', ${base}, ${Date.now()});
    INSERT INTO draft_entry (draft_id, position, key, kind, keep_set, sealed) VALUES ${rows.join(", ")}; COMMIT;`);
  return ask(product, { verb: "secrets.save", token, draft_id: id, message });
}
