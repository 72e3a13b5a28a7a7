/* access.h - roles and what each may do. The whole policy is one table in access.c; zero denies. */
#ifndef WL_DOMAIN_ACCESS_H
#define WL_DOMAIN_ACCESS_H

#include <stdbool.h>

enum role { ROLE_NONE = 0, ROLE_VIEWER, ROLE_DEPLOYER, ROLE_MAINTAINER, ROLE_ADMIN };

enum capability {
    CAP_NOBODY = 0, /* a route that forgot: nobody */
    CAP_PUBLIC,     /* signed out as well: login, setup, health, static */
    CAP_SELF,       /* signed in: own profile */
    CAP_VIEW,       /* see apps, jobs, logs, releases */
    CAP_DEPLOY,     /* start and cancel jobs of an environment */
    CAP_SECRETS,    /* change secrets (a deployer never sees or sets one) */
    CAP_CONFIGURE,  /* apps, environments, artefacts, settings */
    CAP_LOCK,       /* lock and unlock an environment, deploy in spite of a lock */
    CAP_COMMAND,    /* run a command in what is live */
    CAP_SERVERS,    /* add, pin, check, archive servers; registries */
    CAP_AUDIT,      /* read the audit history */
    CAP_ADMIN       /* users, grants */
};

enum role role_from_name(const char *name); /* ROLE_NONE when unknown */
const char *role_name(enum role role);      /* "none" for ROLE_NONE */
bool role_may(enum role role, enum capability capability);
const char *capability_name(enum capability capability);

#endif
