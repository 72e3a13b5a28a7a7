// rachel.mjs - the app of guide 001 in small: a web app with a real PostgreSQL beside it, whose migrations are a command of its own image.
import { postgresLayer } from "../../lib/lab.mjs";

// The guide's file, with ${TAG} where it pins :latest, on another port than 80, and checked every other second instead of every half minute.
export const rachelFile = (host, port = 4000) => `version: '3.8'

services:
  postgres:
    image: ${host}/postgres:17
    environment:
      POSTGRES_PASSWORD: \${DB_PASSWORD}
      POSTGRES_DB: rachel_prod
    volumes:
      - postgres_data:/var/lib/postgresql/data
      - ./backups:/backups
    restart: unless-stopped

  rachel:
    image: ${host}/rachel-web:\${TAG}
    ports:
      - "127.0.0.1:${port}:4000"
    environment:
      DATABASE_URL: \${DATABASE_URL}
      SECRET_KEY_BASE: \${SECRET_KEY_BASE}
      PHX_SERVER: "true"
    depends_on:
      - postgres
    restart: unless-stopped
    healthcheck:
      test: ["CMD", "wget", "--spider", "-q", "http://localhost:4000/health"]
      interval: 2s
      timeout: 3s
      retries: 3

volumes:
  postgres_data:
`;

export const MIGRATE = 'rachel: bin/rachel eval "Rachel.Release.migrate"';

const SERVE = `#!/bin/sh
set -eu
cd "$PGDATA"
if [ ! -s PG_VERSION ]; then
    printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
    initdb -D . -U postgres --pwfile=/tmp/password -A scram-sha-256 --locale=C -E UTF8 --no-sync >/dev/null
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>pg_hba.conf
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D . postgres >/dev/null
fi
exec postgres -D . -c listen_addresses='*' -c unix_socket_directories=/tmp -c shared_buffers=8MB -c fsync=off
`;

// As Ecto's: waits for the database, then each migration that is not in schema_migrations yet, in a transaction. It says what it should not.
const RACHEL = `#!/bin/sh
url=postgres\${DATABASE_URL#ecto}
echo "connecting to $DATABASE_URL"
tries=0
until psql "$url" -Atqc 'SELECT 1' >/dev/null 2>/tmp/said; do
    tries=$((tries + 1))
    [ "$tries" -lt 40 ] || { cat /tmp/said; exit 1; }
    sleep 0.5
done
psql "$url" -qc 'CREATE TABLE IF NOT EXISTS schema_migrations (version bigint PRIMARY KEY)' 2>/dev/null || exit 1
for file in /app/migrations/*.sql; do
    number=\${file##*/}
    number=\${number%.sql}
    [ -z "$(psql "$url" -Atqc "SELECT 1 FROM schema_migrations WHERE version = $number")" ] || continue
    echo "== Running $number"
    psql "$url" -q -v ON_ERROR_STOP=1 --single-transaction -f "$file" -c "INSERT INTO schema_migrations VALUES ($number)" || exit 1
    echo "== Migrated $number"
done
`;

export async function pushPostgres(registry) {
  return await registry.push("postgres", "17", {
    layers: [await postgresLayer()],
    files: { "bin/serve": SERVE },
    cmd: ["/app/bin/serve"],
    user: "70:70",
    env: { PGDATA: "/var/lib/postgresql/data" },
    health: false,
  });
}

// migrations: {number: SQL}
export async function pushRachel(registry, tag, migrations) {
  const files = { "bin/rachel": RACHEL };
  for (const [number, text] of Object.entries(migrations)) files[`migrations/${number}.sql`] = text;
  return await registry.push("rachel-web", tag, { layers: [await postgresLayer()], files, env: { PORT: "4000" }, health: false });
}
