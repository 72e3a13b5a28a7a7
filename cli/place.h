/* place.h - where things are: the data folder, the shipped files, the programs. */
#ifndef WL_CLI_PLACE_H
#define WL_CLI_PLACE_H

#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define PLACE_SIZE 1024

struct place {
    char var[PLACE_SIZE];  /* absolute, no slash at the end */
    char home[PLACE_SIZE]; /* holds templates/, static/ and recipes/; "" when not looked for */
    char bin[PLACE_SIZE];  /* the folder of this program and its siblings */
};

/* The data folder: `var` (an option's value, may be NULL), else WL_VAR, else ./var, made absolute;
 * it need not exist. Also fills bin. */
int place_find(struct place *place, const char *var, struct err *err) MUST_USE;
/* Fills home: WL_HOME, else the nearest folder above bin that has templates/ and recipes/. */
int place_find_home(struct place *place, struct err *err) MUST_USE;
/* As place_find, but where neither option, nor WL_VAR, nor ./var says anything, the installed one
 * in /var/lib/windlass; and the folder must hold a dashboard's database: ERR_NOT_FOUND says how to
 * make one. */
int place_find_existing(struct place *place, const char *var, struct err *err) MUST_USE;
/* var/name; ERR_INPUT when that is too long. */
int place_path(const struct place *place, const char *name, char path[PLACE_SIZE],
               struct err *err) MUST_USE;

#endif
