/* parts.c - times, states, people and the words of states (parts.h). Relative times are made here,
 * on the server, so that they are right without JavaScript; app.js refreshes them. */
#include "cgi/pages/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define MINUTE ((int64_t)60 * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Dates are English on every machine, so not strftime's. */
static void date_text(char *dst, size_t size, int64_t ms, bool is_full)
{
    static const char MONTHS[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(ms / 1000);
    struct tm t = {0};
    if (gmtime_r(&seconds, &t) == NULL) {
        str_copy(dst, size, "");
        return;
    }
    if (is_full)
        snprintf(dst, size, "%04d-%02d-%02d %02d:%02d:%02d UTC", t.tm_year + 1900, t.tm_mon + 1,
                 t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
    else
        snprintf(dst, size, "%d %s %d", t.tm_mday, MONTHS[t.tm_mon % 12], t.tm_year + 1900);
}

/* "5 min ago", "in 11 h", "2 days ago"; beyond a week the date. */
static void relative_text(char *dst, size_t size, int64_t ms)
{
    int64_t age = clock_now_ms() - ms;
    bool is_past = age >= 0;
    int64_t far = is_past ? age : -age;
    char amount[32];

    if (far < MINUTE) {
        str_copy(dst, size, "just now");
        return;
    }
    if (far >= 7 * DAY) {
        date_text(dst, size, ms, false);
        return;
    }
    if (far < HOUR)
        snprintf(amount, sizeof amount, "%d min", (int)(far / MINUTE));
    else if (far < DAY)
        snprintf(amount, sizeof amount, "%d h", (int)(far / HOUR));
    else
        snprintf(amount, sizeof amount, "%d day%s", (int)(far / DAY), far < 2 * DAY ? "" : "s");
    snprintf(dst, size, is_past ? "%s ago" : "in %s", amount);
}

json_t *part_time(int64_t ms)
{
    char iso[CLOCK_TEXT_SIZE], text[48], full[48];
    if (ms == 0)
        return json_null();
    relative_text(text, sizeof text, ms);
    date_text(full, sizeof full, ms, true);
    return json_pack("{s:I, s:s, s:s, s:s}", "ms", (json_int_t)ms, "iso", clock_rfc3339(iso, ms),
                     "text", text, "full", full);
}

json_t *part_duration(int64_t ms)
{
    char text[32];
    if (ms < 0)
        return json_null();
    return json_pack("{s:I, s:s}", "ms", (json_int_t)ms, "text",
                     str_duration(text, sizeof text, ms));
}

json_t *part_status(const char *state, const char *text)
{
    return json_pack("{s:s, s:s}", "state", state, "text", text);
}

/* The first characters of the first and the last word. */
static void initials_of(char *dst, size_t size, const char *name)
{
    const char *last = strrchr(name, ' ');
    const char *words[2] = {name, last == NULL ? NULL : last + 1};
    size_t len = 0;
    for (int i = 0; i < 2 && words[i] != NULL && words[i][0] != '\0'; i++) {
        size_t n = 1;
        while ((words[i][n] & 0xC0) == 0x80 && n < 4)
            n++;
        if (len + n >= size)
            break;
        memcpy(dst + len, words[i], n);
        len += n;
    }
    dst[len] = '\0';
}

json_t *part_person(const char *name, const char *login)
{
    char initials[12];
    if (name == NULL || name[0] == '\0')
        return json_pack("{s:s, s:s, s:s}", "name", "Windlass", "login", "", "initials", "W");
    initials_of(initials, sizeof initials, name);
    return json_pack("{s:s, s:s, s:s}", "name", name, "login", login == NULL ? "" : login,
                     "initials", initials);
}

json_t *part_choice(const char *value, const char *text, bool is_selected)
{
    return json_pack("{s:s, s:s, s:b}", "value", value, "text", text, "is_selected",
                     (int)is_selected);
}

json_t *part_remedy(const char *text, const char *href, const char *action)
{
    return json_pack("{s:s, s:s, s:s}", "text", text, "href", href, "action", action);
}

json_t *part_text(const char *fmt, ...)
{
    char text[1024], fitting[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    str_copy(fitting, sizeof fitting - 4, text); /* cut at a character's border */
    return json_string(fitting);
}

json_t *part_short_hash(const char *hex)
{
    return json_stringn(hex, strlen(hex) < 12 ? strlen(hex) : 12);
}

json_t *part_size(int64_t bytes)
{
    char text[32];
    return json_string(str_bytes(text, sizeof text, bytes));
}

void part_set_list(json_t *data, const char *name, const char *has_name, json_t *list)
{
    json_object_set_new(data, has_name, json_boolean(json_array_size(list) > 0));
    json_object_set_new(data, name, list);
}

json_t *part_set_label(int64_t number)
{
    return number > 0 ? part_text("s%lld", (long long)number) : json_string("");
}

struct word {
    const char *state, *text;
};

static const char *find_word(const struct word *words, const char *state)
{
    for (; words->state != NULL; words++)
        if (strcmp(words->state, state) == 0)
            return words->text;
    return "Unknown";
}

const char *word_job(const char *state)
{
    static const struct word WORDS[] = {{"queued", "Queued"},
                                        {"running", "Running"},
                                        {"live", "Live"},
                                        {"degraded", "Degraded"},
                                        {"reverted", "Reverted"},
                                        {"failed", "Failed"},
                                        {"cancelled", "Cancelled"},
                                        {"unknown", "Unknown"},
                                        {"ok", "Done"},
                                        {"waiting", "Waiting"},
                                        {"pending", "Waiting"},
                                        {"refused", "Refused"},
                                        {"past", "Was live"},
                                        {NULL, NULL}};
    return find_word(WORDS, state);
}

const char *word_step(const char *state)
{
    static const struct word WORDS[] = {{"pending", "Waiting"}, {"running", "Running"},
                                        {"ok", "Done"},         {"failed", "Failed"},
                                        {"skipped", "Skipped"}, {"cancelled", "Cancelled"},
                                        {"unknown", "Unknown"}, {NULL, NULL}};
    return find_word(WORDS, state);
}

const char *word_environment(const char *state)
{
    static const struct word WORDS[] = {{"never", "Never deployed"},
                                        {"live", "Live"},
                                        {"degraded", "Degraded"},
                                        {"failed", "Failed"},
                                        {"unknown", "Unknown"},
                                        {"stopped", "Stopped"},
                                        {NULL, NULL}};
    return find_word(WORDS, state);
}

const char *word_server(const char *state)
{
    static const struct word WORDS[] = {{"new", "Not confirmed"},
                                        {"pinned", "Not checked"},
                                        {"ready", "Ready"},
                                        {"failing", "Checks fail"},
                                        {"unreachable", "Unreachable"},
                                        {"key_changed", "Host key changed"},
                                        {NULL, NULL}};
    return find_word(WORDS, state);
}

const char *word_kind(const char *kind)
{
    static const struct word WORDS[] = {{"plan", "Plan"},
                                        {"deploy", "Deploy"},
                                        {"rollback", "Roll back"},
                                        {"redeploy", "Redeploy"},
                                        {"promote", "Promote"},
                                        {"restart", "Restart"},
                                        {"stop", "Stop"},
                                        {"start", "Start"},
                                        {"logs", "Log"},
                                        {"maintenance_on", "Maintenance page on"},
                                        {"maintenance_off", "Maintenance page off"},
                                        {"backup", "Backup"},
                                        {"verify", "Verify"},
                                        {"restore", "Restore"},
                                        {"command", "Command"},
                                        {"check", "Check"},
                                        {"fetch", "Fetch"},
                                        {NULL, NULL}};
    return find_word(WORDS, kind);
}

const char *word_origin(const char *origin)
{
    static const struct word WORDS[] = {
        {"upload", "Uploaded"}, {"folder", "Artefact folder"}, {"url", "Fetched"}, {NULL, NULL}};
    return find_word(WORDS, origin);
}
