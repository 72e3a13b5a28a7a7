/* deploy_balancer.h - the steps of a load balancer in a plan with several hosts.
 *
 * A recipe that knows load balancers says in recipe.json under "balancer" how one is prepared, how
 * one app server is taken out of it and put back, and how it is tidied up. From that the plan gets,
 * for each app server, "take out" and "put back" in the order of the rollout, and behind them once
 * more for those that go back. When each is wanted, worker/run_balancer.c knows. */
#ifndef WL_WORKER_JOBS_DEPLOY_BALANCER_H
#define WL_WORKER_JOBS_DEPLOY_BALANCER_H

#include "lib/domain/rollout.h"
#include "worker/run.h"

#define BALANCED_MAX 16 /* app servers behind load balancers: each has four steps there */

/* The hosts of the basis, app servers first, each with server_id, name and role. Roles that the
 * recipe does not know, balancers with nothing behind them or with too much are refused. */
int deploy_balancer_hosts(const struct recipe *recipe, const json_t *basis, json_t **hosts,
                          struct err *err) MUST_USE;
/* How many of them are app servers. */
int deploy_balancer_apps(const json_t *hosts);
/* Appends the steps; none without a balancer. */
int deploy_balancer_steps(const struct recipe *recipe, const json_t *basis, const json_t *hosts,
                          const json_t *settings, json_t *steps, struct err *err) MUST_USE;

#endif
