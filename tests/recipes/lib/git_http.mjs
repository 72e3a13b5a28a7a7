// git_http.mjs - a git server over http with a user name and a token: git's own http-backend behind a server of Node's. For tests/recipes/git.sh.
//
//   node git_http.mjs FOLDER LOGIN TOKEN PORTFILE     serves the bare repositories below FOLDER on 127.0.0.1; the port is written to PORTFILE
//
// /moved/... leads to /... of another name of this machine, where every login that comes along is written to PORTFILE.leaked.
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { spawn } from "node:child_process";

const [folder, login, token, portFile] = process.argv.slice(2);
const wanted = `Basic ${Buffer.from(`${login}:${token}`).toString("base64")}`;

function answerOf(backend, response) {
  let head = Buffer.alloc(0);
  let begun = false;
  backend.stdout.on("data", (bytes) => {
    if (begun) return response.write(bytes);
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    begun = true;
    for (const line of head.subarray(0, end).toString().split("\r\n")) {
      const [name, value] = line.split(/: (.*)/s);
      if (name === "Status") response.statusCode = Number(value.slice(0, 3));
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
  });
  backend.on("close", () => response.end());
}

const server = createServer((request, response) => {
  const { pathname, search } = new URL(request.url, "http://x");
  const isOther = request.headers.host.startsWith("localhost");
  if (isOther && request.headers.authorization) appendFileSync(`${portFile}.leaked`, `${request.headers.authorization}\n`);
  if (pathname.startsWith("/moved/")) {
    response.writeHead(302, { location: `http://localhost:${server.address().port}${pathname.slice(6)}${search}` });
    return response.end();
  }
  if (request.headers.authorization !== wanted) {
    response.writeHead(401, { "www-authenticate": 'Basic realm="git"' });
    return response.end();
  }
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH, GIT_PROJECT_ROOT: folder, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: pathname, QUERY_STRING: search.slice(1), REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "", HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "", GIT_PROTOCOL: request.headers["git-protocol"] ?? "",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(backend.stdin);
  answerOf(backend, response);
});
server.listen(0, "127.0.0.1", () => {
  writeFileSync(`${portFile}.part`, String(server.address().port));
  renameSync(`${portFile}.part`, portFile);
});
