/* pages.h - every handler, by the file that holds it. cgi/routes.c gives each its URL. */
#ifndef WL_CGI_PAGES_PAGES_H
#define WL_CGI_PAGES_PAGES_H

#include "cgi/http/route.h"

/* login.c */
handler_fn setup_show, setup_save, login_show, login_save, logout_save;
/* home.c, health.c */
handler_fn home_show, health_show;
/* apps.c */
handler_fn apps_show, app_new_show, app_new_save, app_show;
/* artefacts.c */
handler_fn artefact_upload, artefact_fetch, artefact_adopt;
/* environment_forms.c, environment.c */
handler_fn env_new_show, env_new_save, env_show, env_settings_show, env_settings_save;
/* secrets.c, secrets_raw.c, secrets_key.c, secrets_reveal.c, secrets_review.c, secrets_history.c,
 * secrets_required.c */
handler_fn secrets_show, secrets_save, secrets_raw_show, secrets_raw_save, secrets_raw_reveal,
    secrets_key_show, secrets_key_save, secrets_reveal_show, secrets_review_show,
    secrets_review_save, secrets_history_show, secrets_restore, secrets_matrix_show,
    secrets_required_show, secrets_required_save;
/* secrets_api.c, secrets_api_save.c */
handler_fn secrets_api_show, secrets_api_env, secrets_api_save;
/* deploy.c */
handler_fn deploy_show, deploy_save;
/* releases.c, releases_compare.c, rollback.c */
handler_fn plan_ask;
handler_fn releases_show, release_show, releases_compare_show, rollback_show, rollback_save,
    env_resume;
/* operate.c, operation.c */
handler_fn operate_show, env_lock, env_unlock, operation_show, operation_save;
/* freeze.c */
handler_fn freeze_show, freeze_save_form;
/* command.c, logs.c */
handler_fn command_show, command_save, logs_show, logs_save;
/* jobs.c, job.c, job_log.c */
handler_fn jobs_show, job_show, job_log_show, job_raw_show, job_cancel;
/* servers.c */
handler_fn servers_show, servers_check, server_new_show, server_new_save, server_show, server_pin,
    server_check;
/* registries.c */
handler_fn registries_show, registry_new_show, registry_new_save, registry_show, registry_save,
    registry_remove;
/* audit.c */
handler_fn audit_show, audit_event_show;
/* profile.c */
handler_fn profile_show, profile_save, profile_password, profile_sessions;
/* tokens.c */
handler_fn token_add_save, token_remove_save;

#endif
