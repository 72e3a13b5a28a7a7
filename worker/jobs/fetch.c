/* Job kind fetch: an artefact comes from an https URL with its SHA-256, or from a file that was
 * dropped into var/artefacts. The work is done by a child (fetch_child.c) that speaks the runner's
 * frames; here is what the database knows before and after.
 *
 * Who may: CAP_CONFIGURE on the app. A version is never replaced. The file is named by the job's
 * id, so a child that is started again finds what the one before it did. */
#include "worker/jobs/fetch.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "db/artefacts.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"
#include "worker/jobs/kind.h"

#define GET_MS  ((int64_t)2 * 3600 * 1000)
#define KEEP_MS 60000

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static const json_t *params_of(const struct run *run)
{
    return json_object_get(run->job, "params");
}

static bool is_url(const struct run *run)
{
    return text_of(params_of(run), "url")[0] != '\0';
}

/* The web checked the same; the row may come from anybody who can write the database. */
static int check_params(struct worker *w, const struct run *run, struct err *err)
{
    const json_t *params = params_of(run);
    const char *file = text_of(params, "file"), *sha256 = text_of(params, "sha256");
    bool known = false;

    if (validate_version("version", text_of(params, "version"), err) != 0)
        return -1;
    if (is_url(run))
        return validate_https_url("url", text_of(params, "url"), err) != 0
                   ? -1
                   : validate_sha256("sha256", sha256, err);
    if (validate_file_name("file", file, err) != 0
        || (sha256[0] != '\0' && validate_sha256("sha256", sha256, err) != 0)
        || artefact_file_known(w->db, file, &known, err) != 0)
        return -1;
    return known ? err_field(err, "file", "The file %.100s is an artefact already.", file) : 0;
}

static int check_version(struct worker *w, const struct run *run, struct err *err)
{
    json_t *artefact = NULL;
    struct err none = {0};
    const char *version = text_of(params_of(run), "version");
    if (artefact_by_version(w->db, text_of(run->job, "app_id"), version, &artefact, &none) != 0)
        return none.code == ERR_NOT_FOUND ? 0 : err_set(err, none.code, "%s", none.user);
    json_decref(artefact);
    return err_field(
        err, "version",
        "Version %.64s exists already, and a version is never replaced. Choose another "
        "name.",
        version);
}

static int plan_fetch(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    json_t *steps = json_array();
    int rc = -1;
    struct plan_step get = {.name = "get",
                            .title = is_url(run) ? "Download" : "Read the file",
                            .mode = "fetch",
                            .phase = "forward",
                            .idempotent = true,
                            .deadline_ms = GET_MS};
    struct plan_step keep = {.name = "keep",
                             .title = "Keep it as an artefact",
                             .mode = "fetch",
                             .phase = "forward",
                             .idempotent = true,
                             .deadline_ms = KEEP_MS};

    if (check_params(w, run, err) != 0 || check_version(w, run, err) != 0
        || plan_add_step(steps, &get, err) != 0 || plan_add_step(steps, &keep, err) != 0)
        goto out;
    *plan = json_pack("{s:[{s:n, s:s}], s:O}", "hosts", "server_id", "name", "dashboard", "steps",
                      steps);
    rc = *plan != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "No memory is left.");
out:
    json_decref(steps);
    return rc;
}

static int begin_fetch(struct worker *w, struct turn *turn, json_t *frame, int *fd, struct err *err)
{
    (void)fd;
    json_t *source = json_copy((json_t *)(uintptr_t)params_of(turn->run));
    if (source == NULL)
        return err_set(err, ERR_NO_MEMORY, "No memory is left.");
    json_object_set_new(frame, "source", source);
    json_object_set_new(frame, "artefacts", json_string(w->config.artefacts));
    json_object_set_new(frame, "allow", json_string(w->config.allow));
    return 0;
}

static void remove_file(struct worker *w, const char *file)
{
    int dir = open(w->config.artefacts, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        if (unlinkat(dir, file, 0) != 0)
            LOG_WARN("artefact_left", "a file of a failed fetch stays: %s", file);
        (void)close(dir);
    }
}

static int add_row(struct worker *w, const struct run *run, const json_t *found, struct err *err)
{
    char id[CRYPTO_ID_SIZE];
    const json_t *params = params_of(run);
    const char *by = text_of(run->job, "requested_by");
    struct actor actor = {"user", by, text_of(run->job, "by_name"), "", "", NULL};
    struct artefact_new artefact = {
        .app_id = text_of(run->job, "app_id"),
        .app_name = text_of(run->job, "app_slug"),
        .version = text_of(params, "version"),
        .file = text_of(found, "file"),
        .size_bytes = json_integer_value(json_object_get(found, "size")),
        .sha256 = text_of(found, "sha256"),
        .origin = is_url(run) ? "url" : "folder",
        .source = is_url(run) ? text_of(params, "url") : text_of(params, "file"),
        .created_by = by};
    return artefact_add(w->db, &actor, &artefact, id, err);
}

/* The row and its event, before the job's own end: a restart in between finds the row and goes on.
 */
static int finish_fetch(struct worker *w, struct run *run, struct err *err)
{
    const json_t *found = json_object_get(run->turns[0].results, "artefact");
    json_t *there = NULL;
    struct err none = {0};

    if (!str_equal(run->verdict, "ok") || run->finished)
        return 0;
    if (!str_equal(text_of(found, "file"), run->hold.id)
        || validate_sha256("sha256", text_of(found, "sha256"), &none) != 0) {
        (void)str_copy(run->verdict, sizeof run->verdict, "unknown");
        (void)str_copy(run->summary, sizeof run->summary,
                       "The artefact was not seen. Fetch again.");
        return 0;
    }
    if (add_row(w, run, found, err) == 0) {
        run->finished = true;
        return 0;
    }
    if (err->code != ERR_CONFLICT)
        return -1;
    run->finished = true;
    if (artefact_by_version(w->db, text_of(run->job, "app_id"), text_of(params_of(run), "version"),
                            &there, &none)
            == 0
        && str_equal(text_of(there, "file"), run->hold.id)) {
        json_decref(there); /* our own, from before a restart */
        return 0;
    }
    json_decref(there);
    (void)str_copy(run->verdict, sizeof run->verdict, "failed");
    (void)str_copy(run->summary, sizeof run->summary, err->user);
    remove_file(w, run->hold.id);
    return 0;
}

const struct job_kind JOB_FETCH = {.name = "fetch",
                                   .child = "fetch",
                                   .plan = plan_fetch,
                                   .open = NULL,
                                   .begin = begin_fetch,
                                   .store = NULL,
                                   .finish = finish_fetch};
