// kills_target.mjs - a target of the tests of kills: how the test looks at it with its own eyes, and how it kills its sessions. Paths are relative to the
// account's home. A target of another kind (a container, looked at with `docker exec`) is an object with the same functions:
//
//   address authorize(line) fingerprint()     as tests/lib/flow.mjs wants them
//   read(path) write(path, text) remove(path) exists(path) list(folder)     remove: whether it was there; read, list: "" and [] when it is not
//   sessions() killSessions()                 how many sshd sessions there are; KILL to all of them and how many that were
//   processes()                               command lines of all that was started over SSH and still lives
//   stop()
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync, appendFileSync, chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import * as lib from "../../lib/product.mjs";
import { SHIMS, shim } from "./kills_traps.mjs";

// A private sshd: its home is a folder here.
export async function startPrivateTarget() {
  const target = await lib.startTarget({ options: ["PermitUserEnvironment yes"] });
  const at = (path) => join(target.home, path);
  const shims = join(target.folder, "shims");
  mkdirSync(shims);
  for (const name of SHIMS) {
    writeFileSync(join(shims, name), shim());
    chmodSync(join(shims, name), 0o755);
  }
  mkdirSync(at("kills"));
  const isMarked = ({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`WL_PRIVATE_SSHD=${target.folder}`);
    } catch {
      return false; // it has ended
    }
  };
  return {
    address: target.address,
    // Ours stand first in the PATH of each session.
    authorize: (line) => appendFileSync(join(target.folder, "authorized_keys"), `environment="PATH=${shims}:/usr/local/bin:/usr/bin:/bin",${line.trim()}\n`),
    fingerprint: () => target.fingerprint(),
    read: async (path) => (existsSync(at(path)) ? readFileSync(at(path), "utf8") : ""),
    write: async (path, text) => {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text);
    },
    remove: async (path) => {
      const was = existsSync(at(path));
      rmSync(at(path), { force: true, recursive: true });
      return was;
    },
    exists: async (path) => existsSync(at(path)),
    list: async (folder) => (existsSync(at(folder)) ? readdirSync(at(folder)) : []),
    sessions: async () => target.sessions().length,
    killSessions: async () => target.killSessions(),
    processes: async () => lib.processes().filter((p) => p.state !== "Z" && isMarked(p)).map((p) => p.command.join(" ")),
    stop: () => target.stop(),
  };
}
