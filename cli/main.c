/* main.c - the `windlass` command: finds the subcommand, prints what went wrong, decides the exit
 * status.
 *
 * Everything a person sees on standard error comes from here or from the supervisor; commands below
 * return errors. Results go to standard output, so that they can be piped. */
#include "cli/command.h"

#include <stdint.h>
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/net/http.h"

#define SECRETS_WHERE "[--url URL] [--token-file FILE] [--json]"
#define SECRETS_OPTIONS                                                                            \
    "  --url URL         the dashboard (default: WINDLASS_URL); https, or http to 127.0.0.1\n"     \
    "  --token-file FILE where the API token is (default: WINDLASS_TOKEN_FILE), - for standard\n"  \
    "                    input. Never on the command line, where everybody can read it\n"          \
    "  --json            the answer for programs\n"

static const struct command COMMANDS[] = {
    {"up", "--var FOLDER [--port N] [--listen ADDRESS] [--origin URL]",
     "run the dashboard here, in the foreground",
     "  --var FOLDER      where it keeps everything (default: WL_VAR, else var)\n"
     "  --port N          default 8080\n"
     "  --listen ADDRESS  default 127.0.0.1; other machines then cannot reach it\n"
     "  --origin URL      what people type, when TLS ends in front of it\n"
     "  --verbose         show the programs' logs here\n"
     "\nCtrl-C or SIGTERM stops everything. For a machine that stays, see docs/running.md.\n",
     up_command},
    {"setup-url", "[--var FOLDER]", "make a new one-time address for the first admin",
     "Only while there is no admin. The address before it ends. Valid for 30 minutes.\n",
     setup_url_command},
    {"audit verify", "[--var FOLDER] [--json]",
     "walk the whole history and name the first bad event",
     "Exit status 0: every event is as it was written, and every signed head matches.\n"
     "Exit status 1: it is not; the first bad event and what is wrong with it are printed.\n",
     audit_verify_command},
    {"user list", "[--var FOLDER] [--json]", "who can sign in, and with which role", "",
     user_list_command},
    {"user add", "[--var FOLDER] LOGIN [--name NAME] [--role ROLE]",
     "add a person; the password is read from standard input",
     "  --name NAME   default: the login\n"
     "  --role ROLE   viewer, deployer, maintainer or admin; over everything (default viewer)\n",
     user_add_command},
    {"user reset-password", "[--var FOLDER] LOGIN",
     "give a new password (standard input), end the person's sessions",
     "For the day everyone is locked out: whoever can read the data folder may do this.\n",
     user_reset_command},
    {"token add",
     "[--var FOLDER] --user LOGIN --scope SCOPE[,SCOPE] [--env APP/ENV[,...]] [--days N] NAME",
     "make an API token; it is printed once",
     "  --user LOGIN   whose token it is: it can never do more than this person may\n"
     "  --scope LIST   read, secrets:read, secrets:write, with commas between\n"
     "  --env LIST     only in these environments, with commas between (default: all)\n"
     "  --days N       until it expires, 1 to 366 (default 90)\n"
     "\nThe token alone goes to standard output: windlass token add ... NAME >FILE\n",
     token_add_command},
    {"token list", "[--var FOLDER] [--user LOGIN] [--json]", "API tokens and when they were used",
     "", token_list_command},
    {"token remove", "[--var FOLDER] --user LOGIN NAME", "end an API token", "",
     token_remove_command},
    {"secrets pull", SECRETS_WHERE " [-o FILE] APP/ENV", "write the secrets as a .env",
     "Values of kind plain and secret; write-only ones and files are named in comments.\n"
     "  -o FILE           write there (0600) instead of to standard output\n" SECRETS_OPTIONS,
     secrets_pull_command},
    {"secrets push",
     SECRETS_WHERE " [--merge|--replace] [--kind KIND] [--message TEXT] [--yes] APP/ENV FILE",
     "save a .env as the next secret set",
     "FILE is a .env, - standard input. What would change is shown, by key, and asked for.\n"
     "  --merge           keys that are not in the file stay (the default)\n"
     "  --replace         keys that are not in the file go; write-only ones and files stay\n"
     "  --kind KIND       of new keys: plain, secret or write_only (default secret)\n"
     "  --message TEXT    why, for the history\n"
     "  --yes             do not ask; needed without a terminal\n"
     "Exit status 5: somebody saved meanwhile; nothing was changed.\n" SECRETS_OPTIONS,
     secrets_push_command},
    {"secrets diff", SECRETS_WHERE " [--merge|--replace] APP/ENV FILE",
     "what push would change, by key; no values",
     "Exit status 0: nothing. 1: something. 2, 4 or 5: it could not be found "
     "out.\n" SECRETS_OPTIONS,
     secrets_diff_command},
    {"secrets set", SECRETS_WHERE " [--kind KIND] [--message TEXT] [--file FILE] APP/ENV KEY",
     "save one value; it comes on standard input",
     "  --file FILE       the value is the whole file, byte for byte; from standard input one\n"
     "                    newline at the end is taken off\n"
     "  --kind KIND       plain, secret or write_only (default: as it is; secret for a new key)\n"
     "  --message TEXT    why, for the history\n" SECRETS_OPTIONS,
     secrets_set_command},
    {"server list", "[--var FOLDER] [--json]", "the servers and their state", "",
     server_list_command},
    {"server add", "[--var FOLDER] --as LOGIN [--pin SHA256:...] SLUG USER@HOST[:PORT]",
     "add a server whose host key you already know",
     "The password of LOGIN is read from standard input. Prints the line to put into\n"
     "authorized_keys of the account on the server. With --pin the server is asked for its host\n"
     "key, which must be that one; without, confirm it on the server's page.\n",
     server_add_command},
    {"job list", "[--var FOLDER] [--json] [--limit N]", "the newest jobs", "", job_list_command},
    {"key rotate", "[--var FOLDER]", "encrypt everything anew, under a new master key",
     "Works while the dashboard runs: jobs go on, nobody is signed out; changes wait for a "
     "moment.\n"
     "When it is interrupted, the vault is under the old key or the new one, never a mix; run it\n"
     "again, or restart the worker, to finish. Print a new recovery sheet afterwards.\n",
     key_rotate_command},
    {"key backup", "[--var FOLDER] [--show]", "print a recovery sheet of the master key",
     "To standard output, for a printer: windlass key backup | lp. On a terminal only with "
     "--show.\n"
     "Whoever has the sheet and a copy of vault/vault.db has every secret. Each sheet is in the\n"
     "history.\n",
     key_backup_command},
    {"key restore", "[--var FOLDER]", "put the master key back from a recovery sheet",
     "Reads the sheet, or only its lines K1 to K4, from standard input. Writes keys/master.key "
     "when\n"
     "the vault opens with it, and nothing otherwise.\n",
     key_restore_command},
    {"ready", "[--var FOLDER] [--wait SECONDS]", "exit status 0 when the worker answers", "",
     ready_command},
    {"version", "", "print the version", "", version_command},
    {"nest", "-- PROGRAM [ARGUMENT...]", NULL,
     "Runs a program and, when it ends or a signal comes, ends every process that came from it.\n",
     nest_command},
    {"pages", "FOLDER", NULL, "Writes the pages that nginx shows while the programs are away.\n",
     pages_command},
    {"free-port", "FROM", NULL, "Prints the first free port of 127.0.0.1 from FROM on.\n",
     free_port_command},
    {"demo seed",
     "--var FOLDER --server USER@HOST:PORT --authorized-keys FILE --host-key FILE"
     " --hello FOLDER [--image NAME]",
     NULL, "Fills a new data folder with the demo's server, app, environments and artefacts.\n",
     demo_seed_command},
    {"demo smoke", "--var FOLDER --origin URL --login LOGIN --port N [--container-port N]", NULL,
     "Does over HTTP what a person would; the password comes on standard input.\n",
     demo_smoke_command},
};

static void print_overview(FILE *to)
{
    fputs("windlass: a self-hosted deployment dashboard\n\nUsage: windlass COMMAND [OPTIONS]\n\n",
          to);
    for (size_t i = 0; i < COUNT_OF(COMMANDS); i++)
        if (COMMANDS[i].summary != NULL)
            fprintf(to, "  %-20s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("\nwindlass COMMAND --help says more. Exit status: 0 done, 1 failed, 2 usage, 3 needs "
          "set-up, 4 not allowed, 5 busy.\n",
          to);
}

static void print_help(const struct command *command)
{
    printf("Usage: windlass %s %s\n\n%s", command->name, command->arguments, command->help);
}

/* How many words of argv the command's name takes; 0: it is another command. */
static int words_matched(const char *name, int argc, char **argv)
{
    const char *space = strchr(name, ' ');
    size_t first = space != NULL ? (size_t)(space - name) : strlen(name);

    if (argc < 1 || strlen(argv[0]) != first || strncmp(name, argv[0], first) != 0)
        return 0;
    if (space == NULL)
        return 1;
    return argc >= 2 && strcmp(space + 1, argv[1]) == 0 ? 2 : 0;
}

static const struct command *find_command(int argc, char **argv, int *words)
{
    for (size_t i = 0; i < COUNT_OF(COMMANDS); i++)
        if ((*words = words_matched(COMMANDS[i].name, argc, argv)) > 0)
            return &COMMANDS[i];
    return NULL;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int exit_status(const struct err *err)
{
    switch (err->code) {
    case ERR_INPUT:
        return CLI_USAGE;
    case ERR_DENIED:
    case ERR_SIGNED_OUT:
    case ERR_PROVE:
        return CLI_DENIED;
    case ERR_BUSY:
    case ERR_CONFLICT:
    case ERR_THROTTLED:
        return CLI_BUSY;
    case ERR_NONE:
    case ERR_NOT_FOUND:
    case ERR_TOO_LARGE:
    case ERR_NO_SPACE:
    case ERR_NO_MEMORY:
    case ERR_REMOTE:
    case ERR_INTERNAL:
        break;
    }
    return CLI_FAILED;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct err err = {0};
    int status = -1;

    if (crypto_start(&err) == 0 && http_start(&err) == 0)
        status = command->run(argc, argv, &err);
    if (status >= 0)
        return status;
    fflush(stdout);
    fprintf(stderr, "windlass: %s\n", err.user[0] != '\0' ? err.user : "it failed");
    if (err.detail[0] != '\0' && err.code != ERR_INPUT)
        fprintf(stderr, "  (%s)\n", err.detail);
    return exit_status(&err);
}

int main(int argc, char **argv)
{
    const struct command *command;
    int words = 0;

    log_init("windlass", LOG_LEVEL_INFO);
    if (argc < 2) {
        print_overview(stderr);
        return CLI_USAGE;
    }
    command = find_command(argc - 1, argv + 1, &words);
    if (command == NULL) {
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0
            || strcmp(argv[1], "help") == 0) {
            print_overview(stdout);
            return CLI_OK;
        }
        fprintf(stderr, "windlass: there is no command \"%s\". windlass --help lists them.\n",
                argv[1]);
        return CLI_USAGE;
    }
    if (wants_help(argc - 1 - words, argv + 1 + words)) {
        print_help(command);
        return CLI_OK;
    }
    return run_command(command, argc - words, argv + words);
}

int version_command(int argc, char **argv, struct err *err)
{
    (void)argv;
    if (argc > 1)
        return err_set(err, ERR_INPUT, "version takes no arguments.");
    puts("windlass " WL_VERSION);
    return CLI_OK;
}
