/* conf.c - writing nginx's configuration (conf.h).
 *
 * The text is one block per subject, in the order nginx reads it. What every location needs is said
 * once; a location that adds a header must repeat the others, because nginx inherits add_header
 * only where none is given: that is what SECURITY_HEADERS is for. Nothing here is copied from a
 * request into a path but names that the location's pattern has already narrowed. */
#include "cli/up/conf.h"

#include <errno.h>
#include <sys/stat.h>
#include "lib/base/fs.h"

#define CONF_MAX ((size_t)64 * 1024)

/* For what nginx answers by itself; pages carry their own, stricter for scripts. */
#define SECURITY_HEADERS                                                                           \
    "add_header X-Content-Type-Options nosniff always;\n"                                          \
    "      add_header Referrer-Policy same-origin always;\n"                                       \
    "      add_header Cross-Origin-Resource-Policy same-origin always;\n"                          \
    "      add_header Content-Security-Policy \"default-src 'none'; frame-ancestors 'none'\" "     \
    "always;\n"

static const char MAIN_BLOCK[] = "daemon off;\n"
                                 "worker_processes 2;\n"
                                 "worker_rlimit_core 0;\n"
                                 "worker_shutdown_timeout 3s;\n"
                                 "error_log stderr warn;\n"
                                 "events { worker_connections 1024; }\n";

static const char HTTP_LIMITS[] =
    "  access_log off;\n"
    "  server_tokens off;\n"
    "  default_type application/octet-stream;\n"
    "  types { text/css css; application/javascript js; image/svg+xml svg; image/png png;\n"
    "    image/x-icon ico; font/woff2 woff2; text/html html; text/plain txt log;\n"
    "    application/manifest+json webmanifest; }\n"
    "  sendfile on; tcp_nopush on;\n"
    "  client_header_timeout 15s; client_body_timeout 30s; send_timeout 30s;\n"
    "  keepalive_timeout 30s; reset_timedout_connection on;\n"
    "  client_header_buffer_size 2k; large_client_header_buffers 4 8k;\n"
    "  client_max_body_size 4m;\n"
    "  # A page that is away is tried again by itself, a form that was being sent is not.\n"
    "  map $request_method $again { default \"\"; GET 5; }\n";

/* Only what nginx knows itself; a client's own Proxy header must not become HTTP_PROXY. */
static const char FASTCGI[] = "    fastcgi_param REQUEST_METHOD $request_method;\n"
                              "    fastcgi_param REQUEST_URI $request_uri;\n"
                              "    fastcgi_param DOCUMENT_URI $document_uri;\n"
                              "    fastcgi_param QUERY_STRING $query_string;\n"
                              "    fastcgi_param CONTENT_TYPE $content_type;\n"
                              "    fastcgi_param CONTENT_LENGTH $content_length;\n"
                              "    fastcgi_param SERVER_PROTOCOL $server_protocol;\n"
                              "    fastcgi_param REQUEST_SCHEME $scheme;\n"
                              "    fastcgi_param HTTPS $https if_not_empty;\n"
                              "    fastcgi_param REMOTE_ADDR $remote_addr;\n"
                              "    fastcgi_param REMOTE_PORT $remote_port;\n"
                              "    fastcgi_param SERVER_NAME $server_name;\n"
                              "    fastcgi_param HTTP_PROXY \"\";\n"
                              "    fastcgi_buffer_size 16k;\n"
                              "    fastcgi_buffers 16 16k;\n"
                              "    fastcgi_connect_timeout 5s;\n"
                              "    fastcgi_send_timeout 30s;\n"
                              "    fastcgi_read_timeout 60s;\n"
                              "    fastcgi_next_upstream off;\n";

static const char ERROR_PAGES[] = "    error_page 502 503 504 /_pages/away.html;\n"
                                  "    error_page 413 /_pages/large.html;\n"
                                  "    location /_pages/ {\n"
                                  "      internal;\n"
                                  "      alias \"%s/run/nginx/pages/\";\n"
                                  "      add_header Cache-Control no-store always;\n"
                                  "      add_header Retry-After 5 always;\n"
                                  "      add_header Refresh $again always;\n"
                                  "      " SECURITY_HEADERS "    }\n";

/* The hash in the path changes with the files, so they never go stale; which hash is asked for does
 * not matter. */
static const char STATIC_FILES[] =
    "    location ~ \"^/static/[0-9A-Za-z]{6,64}/(?<asset>[0-9A-Za-z][0-9A-Za-z._/-]*)$\" {\n"
    "      alias \"%s/static/$asset\";\n"
    "      limit_except GET { deny all; }\n"
    "      gzip on; gzip_vary on; gzip_comp_level 6; gzip_min_length 512;\n"
    "      gzip_types text/css application/javascript image/svg+xml;\n"
    "      etag off;\n"
    "      add_header Cache-Control \"public, max-age=31536000, immutable\";\n"
    "      " SECURITY_HEADERS "    }\n";

/* Reached only by X-Accel-Redirect from a page that has checked who asks. */
static const char INTERNAL_FILES[] = "    location /_%s/ {\n"
                                     "      internal;\n"
                                     "      alias \"%s/serve/%s/\";\n"
                                     "      disable_symlinks on;\n"
                                     "      " SECURITY_HEADERS "    }\n";

static const char STREAMS[] = "    location ~ \"^/jobs/[a-z0-9]+/events$\" {\n"
                              "      fastcgi_pass \"unix:%s/run/stream.sock\";\n"
                              "      fastcgi_buffering off;\n"
                              "      fastcgi_read_timeout 1h;\n"
                              "    }\n";

/* Whole uploads are taken by nginx, at the client's speed, before a program is kept busy. */
static const char UPLOADS[] = "    location ~ \"^/apps/[^/]+/artefacts$\" {\n"
                              "      fastcgi_pass \"unix:%s/run/web.sock\";\n"
                              "      client_max_body_size %lld;\n"
                              "      client_body_timeout 60s;\n"
                              "      fastcgi_request_buffering on;\n"
                              "      fastcgi_send_timeout 300s;\n"
                              "      fastcgi_read_timeout 300s;\n"
                              "    }\n";

static const char PAGES[] = "    location / { fastcgi_pass \"unix:%s/run/web.sock\"; }\n";

static const char STYLE_LESS_HEAD[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n";

void conf_text(const struct conf *conf, struct buf *out)
{
    static const char *const TEMPORARY[] = {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"};
    const char *var = conf->place->var;

    buf_add_str(out, "# Written by windlass up at every start: changes here are lost.\n");
    buf_add_str(out, MAIN_BLOCK);
    buf_printf(out, "pid \"%s/run/nginx/nginx.pid\";\nlock_file \"%s/run/nginx/nginx.lock\";\n",
               var, var);
    buf_add_str(out, "http {\n");
    for (size_t i = 0; i < COUNT_OF(TEMPORARY); i++)
        buf_printf(out, "  %s_temp_path \"%s/run/nginx/%s\";\n", TEMPORARY[i], var, TEMPORARY[i]);
    buf_add_str(out, HTTP_LIMITS);
    buf_printf(out, "  server {\n    listen %s;\n    server_name _;\n", conf->listen);
    buf_add_str(out, FASTCGI);
    buf_printf(out, ERROR_PAGES, var);
    buf_printf(out, STATIC_FILES, conf->place->home);
    buf_printf(out, INTERNAL_FILES, "logs", var, "logs");
    buf_printf(out, INTERNAL_FILES, "backups", var, "backups");
    buf_printf(out, STREAMS, var);
    buf_printf(out, UPLOADS, var, (long long)conf->upload_max + 1024 * 1024);
    buf_printf(out, PAGES, var);
    buf_add_str(out, "  }\n}\n");
}

static void away_page(struct buf *out)
{
    buf_add_str(out, STYLE_LESS_HEAD);
    buf_add_str(out, "<title>One moment - Windlass</title>\n"
                     "<h1>One moment: the dashboard is starting again</h1>\n"
                     "<p>The program that makes the pages did not answer. It is started again by "
                     "itself, most often within seconds; this page then comes back.</p>\n"
                     "<p>Nothing is lost: jobs that run on your servers go on, and your apps are "
                     "not touched. If you were sending a form, go back and look whether it "
                     "arrived before sending it again.</p>\n"
                     "<p>If this lasts, look at the terminal or the journal where Windlass runs."
                     "</p>\n<p><a href=\"/\">Try again</a></p>\n");
}

static void large_page(struct buf *out)
{
    buf_add_str(out, STYLE_LESS_HEAD);
    buf_add_str(out, "<title>Too large - Windlass</title>\n"
                     "<h1>That was too large to take</h1>\n"
                     "<p>Forms may have 4 MB; artefacts have a limit of their own, which an admin "
                     "sets with WL_UPLOAD_MAX. Nothing was stored.</p>\n"
                     "<p>Fix: go back and send less, or put the file into the folder artefacts of "
                     "the data folder.</p>\n<p><a href=\"/\">Home</a></p>\n");
}

static const struct {
    const char *name;
    void (*text)(struct buf *out);
} PAGE_FILES[] = {{"away.html", away_page}, {"large.html", large_page}};

int conf_write_pages(const char *folder, struct err *err)
{
    char path[PLACE_SIZE];
    struct buf text;
    int rc = 0;

    buf_init(&text, CONF_MAX);
    for (size_t i = 0; i < COUNT_OF(PAGE_FILES) && rc == 0; i++) {
        buf_reset(&text);
        PAGE_FILES[i].text(&text);
        if (!fs_join(path, sizeof(path), folder, PAGE_FILES[i].name))
            rc = err_set(err, ERR_INPUT, "The folder's path is too long.");
        else
            rc = fs_write_atomic(path, text.data, text.len, 0644, err);
    }
    buf_deinit(&text);
    return rc;
}

/* Make the folder for the pages and the configuration file; everything belongs to nginx's user. */
int conf_write(const struct conf *conf, uid_t uid, gid_t gid, struct err *err)
{
    char path[PLACE_SIZE], pages[PLACE_SIZE];
    struct buf text;
    int rc = -1;

    buf_init(&text, CONF_MAX);
    conf_text(conf, &text);
    if (!buf_ok(&text))
        (void)err_set(err, ERR_INTERNAL, "The web server's configuration does not fit.");
    else if (place_path(conf->place, "run/nginx/pages", pages, err) == 0
             && place_path(conf->place, "run/nginx/nginx.conf", path, err) == 0
             && fs_mkdirs(pages, 0711, err) == 0 && conf_write_pages(pages, err) == 0)
        rc = fs_write_atomic(path, text.data, text.len, 0600, err);
    buf_deinit(&text);
    if (rc == 0 && uid != 0 && (lchown(path, uid, gid) != 0 || lchown(pages, uid, gid) != 0))
        rc = err_errno(err, "chown %s", path);
    return rc;
}
