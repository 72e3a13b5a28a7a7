// kills_accounts.mjs - targets of the tests of kills (kills_target.mjs says what a target is) that are accounts of one server of the lab: homes of their own, one
// Docker engine for all. Files are looked at through the server's root as this machine sees it, since `docker exec` for each look would take longer than what is looked at.
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync, appendFileSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../../lib/product.mjs";
import { SHIMS, shim } from "./kills_traps.mjs";

const FIRST_PORT = 9100;

// The uid of a process and its command line; null when it has ended, or lives in another machine: accounts have the same names and numbers there.
function lookAt(pid, machine) {
  try {
    if (readlinkSync(`/proc/${pid}/ns/pid`) !== machine) return null;
    return { uid: statSync(`/proc/${pid}`).uid, command: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim() };
  } catch {
    return null;
  }
}

// A function that makes one account after the other.
export async function accountsOf(server) {
  const root = `/proc/${server.pid}/root`;
  const machine = readlinkSync(`/proc/${server.pid}/ns/pid`);
  // OpenSSH 9.8 and later shuts out an address whose sessions crash, and ours are killed; ten accounts connect at once.
  await server.exec("printf '%s\\n' 'PermitUserEnvironment yes' 'PerSourcePenalties no' 'MaxStartups 200' 'MaxSessions 50' >/etc/ssh/sshd_config.d/kills.conf; /usr/sbin/sshd -t && kill -HUP $(cat /run/sshd.pid)");
  const shims = "/opt/kills";
  mkdirSync(root + shims, { recursive: true });
  for (const name of SHIMS) {
    writeFileSync(join(root + shims, name), shim());
    chmodSync(join(root + shims, name), 0o755);
  }
  let count = 0;
  let making = Promise.resolve();
  return async () => {
    const number = count++;
    const name = `kills${number}`;
    // One useradd at a time: they lock the same files.
    making = making.then(() => server.exec(`useradd -m -s /bin/bash -G docker ${name} && passwd -d ${name} >/dev/null && mkdir -p -m 700 /home/${name}/.ssh && : >/home/${name}/.ssh/authorized_keys && mkdir /home/${name}/kills && chown -R ${name}: /home/${name} && id -u ${name}`));
    const uid = Number((await making).trim());
    const home = `${root}/home/${name}`;
    const at = (path) => join(home, path);
    const own = (path) => chownSync(path, uid, uid);
    const processes = () => lib.processes().filter((p) => p.state !== "Z").map((p) => ({ pid: p.pid, ...lookAt(p.pid, machine) }));
    const sessions = () => processes().filter((p) => new RegExp(`^sshd(-session)?: ${name}( |@|$)`).test(p.command ?? ""));
    const port = FIRST_PORT + number;
    const wall = (verb) => server.exec(`iptables -${verb} OUTPUT -o lo -p tcp --dport ${port} -j REJECT --reject-with tcp-reset`);
    let isShut = false;
    return {
      name,
      appPort: port,
      address: `${name}@${server.ip}:22`,
      authorize: (line) => appendFileSync(at(".ssh/authorized_keys"), `environment="PATH=${shims}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",${line.trim()}\n`),
      fingerprint: () => server.fingerprint(),
      read: async (path) => (existsSync(at(path)) ? readFileSync(at(path), "utf8") : ""),
      write: async (path, text) => {
        writeFileSync(at(path), text);
        own(at(path));
      },
      remove: async (path) => {
        const was = existsSync(at(path));
        rmSync(at(path), { force: true, recursive: true });
        return was;
      },
      exists: async (path) => existsSync(at(path)),
      list: async (folder) => (existsSync(at(folder)) ? readdirSync(at(folder)) : []),
      sessions: async () => sessions().length,
      killSessions: async () => {
        const found = sessions();
        for (const { pid } of found) {
          try {
            process.kill(pid, "SIGKILL");
          } catch (error) {
            if (error.code !== "ESRCH") throw error; // its other half took it along
          }
        }
        return found.length;
      },
      processes: async () => processes().filter((p) => p.uid === uid && !/^sshd(-session)?: |^\(sd-pam\)/.test(p.command)).map((p) => p.command),
      // The health address refuses every connection, and answers again.
      shut: async () => {
        if (!isShut) await wall("I");
        isShut = true;
      },
      open: async () => {
        const was = isShut;
        if (isShut) await wall("D");
        isShut = false;
        return was;
      },
      stop: async () => {},
    };
  };
}
