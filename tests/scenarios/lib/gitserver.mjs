// gitserver.mjs - a git server on one of the lab's machines: an account `git` with git-shell behind its sshd, a deploy key, and a way to push commits.
//
//   const git = await startGit(server, "chatalot")   // .repository .key .publicKey .hostKeys
//   const hash = await git.commit({ "app/VERSION": "1.0.0\n" }, { tag: "v1.0.0" })    // on main, on top of what is there; null removes a file
//   await git.allow() / git.refuse()                  // the deploy key
export async function startGit(server, name) {
  const script = `set -e
useradd --create-home --shell /usr/bin/git-shell --password '*' git
git config --global --add safe.directory '*'
git config --global user.name Ann; git config --global user.email ann@shop.example; git config --global init.defaultBranch main
ssh-keygen -q -t ed25519 -N '' -C deploy -f /root/deploy
install -d -m 700 -o git -g git /home/git/.ssh
git init -q --bare /home/git/${name}.git
git init -q /root/clone
git -C /root/clone remote add origin /home/git/${name}.git`;
  await server.exec(script);
  const read = async (command) => (await server.exec(command)).trim();
  const git = {
    repository: `git@127.0.0.1:${name}.git`,
    key: `${await read("cat /root/deploy")}\n`,
    publicKey: await read("cat /root/deploy.pub"),
    hostKeys: (await read("sed 's/^/127.0.0.1 /' /etc/ssh/ssh_host_ed25519_key.pub")).split(" ").slice(0, 3).join(" "),
    allow: () => server.exec("install -m 600 -o git -g git /root/deploy.pub /home/git/.ssh/authorized_keys"),
    refuse: () => server.exec("rm -f /home/git/.ssh/authorized_keys"),
    run: (command) => server.exec(`cd /root/clone && ${command}`),
    commit: async (files, { tag, message = "A change" } = {}) => {
      for (const [path, text] of Object.entries(files))
        if (text === null) await server.exec(`rm -f /root/clone/${path}`);
        else await server.exec(`mkdir -p "$(dirname /root/clone/${path})" && cat >/root/clone/${path}`, { input: text });
      await server.exec(`cd /root/clone && git add -A && git commit -q --allow-empty -m '${message}' ${tag ? `&& git tag ${tag}` : ""} && git push -q --force origin HEAD:main ${tag ?? ""} && chown -R git:git /home/git/${name}.git`);
      return await read("git -C /root/clone rev-parse HEAD");
    },
  };
  return git;
}
