/* options.c - reading a command's options, and a password, from outside.
 *
 * getopt_long is not used: it permutes, abbreviates and prints by itself; a dozen long options need
 * none of that, and an error here is a struct err like everywhere else. */
#include "cli/command.h"

#include <termios.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

static const struct cli_option *find_option(const struct cli_option *options, const char *text,
                                            const char **value)
{
    const char *equals = strchr(text, '=');
    size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);

    *value = equals != NULL ? equals + 1 : NULL;
    for (; options->name != NULL; options++)
        if (strlen(options->name) == len && strncmp(options->name, text, len) == 0)
            return options;
    return NULL;
}

/* Takes the option at argv[*i]; *i is left on its last word. */
static int take_option(const struct cli_option *options, int argc, char **argv, int *i,
                       struct err *err)
{
    const char *value;
    const struct cli_option *option = find_option(options, argv[*i] + 2, &value);

    if (option == NULL)
        return err_set(err, ERR_INPUT, "%s is not an option here. --help lists them.", argv[*i]);
    if (option->flag != NULL) {
        if (value != NULL)
            return err_set(err, ERR_INPUT, "--%s takes no value.", option->name);
        *option->flag = true;
        return 0;
    }
    if (value == NULL && *i + 1 < argc)
        value = argv[++*i];
    if (value == NULL)
        return err_set(err, ERR_INPUT, "--%s needs a value.", option->name);
    *option->text = value;
    return 0;
}

int cli_options(const struct cli_option *options, struct cli_bounds bounds, int *argc, char **argv,
                struct err *err)
{
    int kept = 1, i;

    for (i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (!str_starts(argv[i], "--"))
            argv[kept++] = argv[i];
        else if (take_option(options, *argc, argv, &i, err) != 0)
            return -1;
    }
    for (; i < *argc; i++)
        argv[kept++] = argv[i];
    argv[kept] = NULL;
    *argc = kept;
    if (kept - 1 < bounds.min_positional)
        return err_set(err, ERR_INPUT, "An argument is missing. --help shows them.");
    if (kept - 1 > bounds.max_positional)
        return err_set(err, ERR_INPUT, "\"%s\" is one argument too many. --help shows them.",
                       argv[bounds.max_positional + 1]);
    return 0;
}

/* One line, without its newline. */
static int read_line(char *buffer, size_t size, struct err *err)
{
    size_t len;

    if (fgets(buffer, (int)size, stdin) == NULL)
        return err_set(err, ERR_INPUT, "No password came on standard input.");
    len = strcspn(buffer, "\n");
    if (buffer[len] != '\n' && len == size - 1)
        return err_set(err, ERR_INPUT, "The password is longer than %zu bytes.", size - 2);
    buffer[len] = '\0';
    return 0;
}

static int ask_once(char *buffer, size_t size, struct err *err)
{
    int rc;

    fputs("Password: ", stderr);
    rc = read_line(buffer, size, err);
    fputs("\n", stderr);
    return rc;
}

static int ask_twice(char *buffer, size_t size, struct err *err)
{
    char again[1100];
    int rc = -1;

    fputs("New password: ", stderr);
    if (read_line(buffer, size, err) != 0)
        return -1;
    fputs("\nThe same again: ", stderr);
    if (read_line(again, sizeof(again), err) == 0)
        rc = strcmp(buffer, again) == 0 ? 0 : err_set(err, ERR_INPUT, "The two differ.");
    fputs("\n", stderr);
    crypto_wipe(again, sizeof(again));
    return rc;
}

/* Without echo on a terminal, where `ask` does the asking; else one line as it comes. */
static int read_hidden(char *buffer, size_t size, struct err *err,
                       int (*ask)(char *buffer, size_t size, struct err *err))
{
    struct termios shown, hidden;
    int rc;

    /* stdio would keep a copy of the password in its own buffer. */
    setvbuf(stdin, NULL, _IONBF, 0);
    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return read_line(buffer, size, err);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    rc = ask(buffer, size, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    return rc;
}

int cli_read_password(char *buffer, size_t buffer_size, struct err *err)
{
    return read_hidden(buffer, buffer_size, err, ask_twice);
}

int cli_read_one_password(char *buffer, size_t buffer_size, struct err *err)
{
    return read_hidden(buffer, buffer_size, err, ask_once);
}
