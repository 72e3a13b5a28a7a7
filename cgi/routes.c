/* routes.c - the table of all URLs: who may, and which function answers. Nothing else answers a
 * request (static files, live logs and downloads are nginx's and windlass-stream's). Which of them
 * an API token reaches, and with which scope, is in token_routes.c.
 *
 * The first pattern that fits wins, so fixed words stand before {names}. Slugs that would hide
 * behind a fixed word (new, artefacts) are refused when they are made. */
#include "cgi/pages/pages.h"

const struct route ROUTES[] = {
    {METHOD_GET, "/healthz", CAP_PUBLIC, CSRF_SAFE_METHOD, health_show},
    {METHOD_GET, "/setup/{token}", CAP_PUBLIC, CSRF_SAFE_METHOD, setup_show},
    {METHOD_POST, "/setup/{token}", CAP_PUBLIC, CSRF_REQUIRED, setup_save},
    {METHOD_GET, "/login", CAP_PUBLIC, CSRF_SAFE_METHOD, login_show},
    {METHOD_POST, "/login", CAP_PUBLIC, CSRF_REQUIRED, login_save},
    {METHOD_POST, "/logout", CAP_SELF, CSRF_REQUIRED, logout_save},
    {METHOD_GET, "/", CAP_VIEW, CSRF_SAFE_METHOD, home_show},

    {METHOD_GET, "/apps", CAP_VIEW, CSRF_SAFE_METHOD, apps_show},
    {METHOD_GET, "/apps/new", CAP_CONFIGURE, CSRF_SAFE_METHOD, app_new_show},
    {METHOD_POST, "/apps/new", CAP_CONFIGURE, CSRF_REQUIRED, app_new_save},
    {METHOD_GET, "/apps/{app}", CAP_VIEW, CSRF_SAFE_METHOD, app_show},
    {METHOD_POST, "/apps/{app}/artefacts", CAP_CONFIGURE, CSRF_IN_UPLOAD, artefact_upload},
    {METHOD_POST, "/apps/{app}/artefacts/fetch", CAP_CONFIGURE, CSRF_REQUIRED, artefact_fetch},
    {METHOD_POST, "/apps/{app}/artefacts/adopt", CAP_CONFIGURE, CSRF_REQUIRED, artefact_adopt},

    {METHOD_GET, "/apps/{app}/new", CAP_CONFIGURE, CSRF_SAFE_METHOD, env_new_show},
    {METHOD_POST, "/apps/{app}/new", CAP_CONFIGURE, CSRF_REQUIRED, env_new_save},
    {METHOD_GET, "/apps/{app}/secrets", CAP_SECRETS, CSRF_SAFE_METHOD, secrets_matrix_show},
    {METHOD_GET, "/apps/{app}/{env}", CAP_VIEW, CSRF_SAFE_METHOD, env_show},
    {METHOD_GET, "/apps/{app}/{env}/settings", CAP_CONFIGURE, CSRF_SAFE_METHOD, env_settings_show},
    {METHOD_POST, "/apps/{app}/{env}/settings", CAP_CONFIGURE, CSRF_REQUIRED, env_settings_save},
    {METHOD_GET, "/apps/{app}/{env}/secrets", CAP_SECRETS, CSRF_SAFE_METHOD, secrets_show},
    {METHOD_POST, "/apps/{app}/{env}/secrets", CAP_SECRETS, CSRF_REQUIRED, secrets_save},
    {METHOD_GET, "/apps/{app}/{env}/secrets/raw", CAP_SECRETS, CSRF_SAFE_METHOD, secrets_raw_show},
    {METHOD_POST, "/apps/{app}/{env}/secrets/raw", CAP_SECRETS, CSRF_REQUIRED, secrets_raw_save},
    {METHOD_POST, "/apps/{app}/{env}/secrets/raw/reveal", CAP_SECRETS, CSRF_REQUIRED,
     secrets_raw_reveal},
    {METHOD_GET, "/apps/{app}/{env}/secrets/add", CAP_SECRETS, CSRF_SAFE_METHOD, secrets_key_show},
    {METHOD_POST, "/apps/{app}/{env}/secrets/add", CAP_SECRETS, CSRF_REQUIRED, secrets_key_save},
    {METHOD_GET, "/apps/{app}/{env}/secrets/key/{key}", CAP_SECRETS, CSRF_SAFE_METHOD,
     secrets_key_show},
    {METHOD_POST, "/apps/{app}/{env}/secrets/key/{key}", CAP_SECRETS, CSRF_REQUIRED,
     secrets_key_save},
    {METHOD_POST, "/apps/{app}/{env}/secrets/key/{key}/reveal", CAP_SECRETS, CSRF_REQUIRED,
     secrets_reveal_show},
    {METHOD_GET, "/apps/{app}/{env}/secrets/review/{draft}", CAP_SECRETS, CSRF_SAFE_METHOD,
     secrets_review_show},
    {METHOD_POST, "/apps/{app}/{env}/secrets/review/{draft}", CAP_SECRETS, CSRF_REQUIRED,
     secrets_review_save},
    {METHOD_GET, "/apps/{app}/{env}/secrets/history", CAP_SECRETS, CSRF_SAFE_METHOD,
     secrets_history_show},
    {METHOD_POST, "/apps/{app}/{env}/secrets/restore", CAP_SECRETS, CSRF_REQUIRED, secrets_restore},
    {METHOD_GET, "/apps/{app}/{env}/secrets/required", CAP_SECRETS, CSRF_SAFE_METHOD,
     secrets_required_show},
    {METHOD_POST, "/apps/{app}/{env}/secrets/required", CAP_SECRETS, CSRF_REQUIRED,
     secrets_required_save},
    {METHOD_GET, "/apps/{app}/{env}/deploy", CAP_DEPLOY, CSRF_SAFE_METHOD, deploy_show},
    {METHOD_POST, "/apps/{app}/{env}/deploy", CAP_DEPLOY, CSRF_REQUIRED, deploy_save},

    {METHOD_GET, "/jobs", CAP_VIEW, CSRF_SAFE_METHOD, jobs_show},
    {METHOD_GET, "/jobs/{id}", CAP_VIEW, CSRF_SAFE_METHOD, job_show},
    {METHOD_GET, "/jobs/{id}/log", CAP_VIEW, CSRF_SAFE_METHOD, job_log_show},
    {METHOD_GET, "/jobs/{id}/raw", CAP_VIEW, CSRF_SAFE_METHOD, job_raw_show},
    {METHOD_POST, "/jobs/{id}/cancel", CAP_DEPLOY, CSRF_REQUIRED, job_cancel},

    {METHOD_GET, "/servers", CAP_VIEW, CSRF_SAFE_METHOD, servers_show},
    {METHOD_GET, "/servers/new", CAP_SERVERS, CSRF_SAFE_METHOD, server_new_show},
    {METHOD_POST, "/servers/new", CAP_SERVERS, CSRF_REQUIRED, server_new_save},
    {METHOD_GET, "/servers/{slug}", CAP_VIEW, CSRF_SAFE_METHOD, server_show},
    {METHOD_POST, "/servers/{slug}/pin", CAP_SERVERS, CSRF_REQUIRED, server_pin},
    {METHOD_POST, "/servers/{slug}/check", CAP_SERVERS, CSRF_REQUIRED, server_check},

    {METHOD_GET, "/registries", CAP_VIEW, CSRF_SAFE_METHOD, registries_show},
    {METHOD_GET, "/registries/new", CAP_SERVERS, CSRF_SAFE_METHOD, registry_new_show},
    {METHOD_POST, "/registries/new", CAP_SERVERS, CSRF_REQUIRED, registry_new_save},
    {METHOD_GET, "/registries/{slug}", CAP_VIEW, CSRF_SAFE_METHOD, registry_show},
    {METHOD_POST, "/registries/{slug}", CAP_SERVERS, CSRF_REQUIRED, registry_save},
    {METHOD_POST, "/registries/{slug}/remove", CAP_SERVERS, CSRF_REQUIRED, registry_remove},

    {METHOD_GET, "/audit", CAP_AUDIT, CSRF_SAFE_METHOD, audit_show},
    {METHOD_GET, "/audit/{seq}", CAP_AUDIT, CSRF_SAFE_METHOD, audit_event_show},

    {METHOD_GET, "/profile", CAP_SELF, CSRF_SAFE_METHOD, profile_show},
    {METHOD_POST, "/profile", CAP_SELF, CSRF_REQUIRED, profile_save},
    {METHOD_POST, "/profile/password", CAP_SELF, CSRF_REQUIRED, profile_password},
    {METHOD_POST, "/profile/sessions", CAP_SELF, CSRF_REQUIRED, profile_sessions},
    {METHOD_POST, "/profile/tokens", CAP_SELF, CSRF_REQUIRED, token_add_save},
    {METHOD_POST, "/profile/tokens/{id}/remove", CAP_SELF, CSRF_REQUIRED, token_remove_save},

    {METHOD_GET, "/api/v1/apps/{app}/{env}/secrets", CAP_SECRETS, CSRF_SAFE_METHOD,
     secrets_api_show},
    {METHOD_PUT, "/api/v1/apps/{app}/{env}/secrets", CAP_SECRETS, CSRF_TOKEN_ONLY,
     secrets_api_save},
    {METHOD_PATCH, "/api/v1/apps/{app}/{env}/secrets", CAP_SECRETS, CSRF_TOKEN_ONLY,
     secrets_api_save},
    {METHOD_GET, "/api/v1/apps/{app}/{env}/secrets.env", CAP_SECRETS, CSRF_TOKEN_ONLY,
     secrets_api_env},
};
const size_t ROUTES_COUNT = COUNT_OF(ROUTES);
