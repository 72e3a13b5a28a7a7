/* server_facts.c - facts and checks of a server in words (server_facts.h). The keys are those that
 * recipes/check/ prints; the worker stores them as they came, so every one is read with care. */
#include "cgi/pages/server_facts.h"

#include <stdio.h>
#include <string.h>
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "lib/base/attr.h"
#include "lib/base/str.h"

static const struct {
    const char *key, *label;
} KNOWN[] = {
    {"os", "System"},
    {"arch", "Processor"},
    {"kernel", "Kernel"},
    {"cpus", "Cores"},
    {"memory_kb", "Memory"},
    {"disk_free_kb", "Free disk"},
    {"disk_total_kb", "Disk"},
    {"login", "Account"},
    {"home", "Home folder"},
    {"sudo", "Rights"},
    {"systemd", "systemd"},
    {"docker", "Docker"},
    {"compose", "Docker Compose"},
    {"clock_skew_s", "Clock apart"},
};

/* A number may come as text (a script prints key=value). */
static bool fact_number(const json_t *facts, const char *key, int64_t *value)
{
    const json_t *fact = json_object_get(facts, key);
    if (json_is_integer(fact)) {
        *value = json_integer_value(fact);
        return true;
    }
    return json_is_string(fact)
           && str_to_int64(json_string_value(fact), INT64_MIN, INT64_MAX, value);
}

static const char *sudo_words(const char *sudo)
{
    if (str_equal(sudo, "root"))
        return "the account is root";
    if (str_equal(sudo, "all"))
        return "sudo without a password";
    return "those of the account; no sudo";
}

static json_t *fact_text(const json_t *facts, const char *key)
{
    const json_t *fact = json_object_get(facts, key);
    int64_t number;
    char text[32];
    if (str_ends(key, "_kb") && fact_number(facts, key, &number) && number < INT64_MAX / 1024)
        return json_string(str_bytes(text, sizeof text, number * 1024));
    if (str_ends(key, "_s") && fact_number(facts, key, &number) && number < 1000000000)
        return part_text("%lld s", (long long)(number < 0 ? -number : number));
    if (str_equal(key, "sudo"))
        return json_string(sudo_words(json_string_value(fact)));
    if (json_is_string(fact))
        return json_string(json_string_value(fact));
    if (json_is_integer(fact))
        return part_text("%lld", (long long)json_integer_value(fact));
    if (json_is_boolean(fact))
        return json_string(json_is_true(fact) ? "yes" : "no");
    return NULL;
}

static const char *label_of(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(KNOWN); i++)
        if (str_equal(KNOWN[i].key, key))
            return KNOWN[i].label;
    return NULL;
}

static void add_fact(json_t *list, const json_t *facts, const char *key, const char *label)
{
    json_t *text = fact_text(facts, key);
    if (text != NULL && json_string_length(text) > 0)
        json_array_append_new(list, json_pack("{s:s, s:o}", "label", label, "text", text));
}

json_t *server_facts_list(const json_t *facts)
{
    json_t *list = json_array();
    const char *key;
    json_t *value;
    if (!json_is_object(facts))
        return list;
    for (size_t i = 0; i < COUNT_OF(KNOWN); i++)
        add_fact(list, facts, KNOWN[i].key, KNOWN[i].label);
    json_object_foreach((json_t *)(uintptr_t)facts, key, value) if (label_of(key) == NULL)
        add_fact(list, facts, key, key);
    return list;
}

json_t *server_facts_system(const json_t *facts)
{
    const char *os = row_text(facts, "os"), *arch = row_text(facts, "arch");
    if (os[0] == '\0')
        return json_string(arch);
    return part_text("%s%s%s", os, arch[0] != '\0' ? ", " : "", arch);
}

bool server_facts_disk(const json_t *facts, int64_t *free_bytes, int64_t *total_bytes)
{
    int64_t free_kb = 0, total_kb = 0;
    if (!fact_number(facts, "disk_free_kb", &free_kb) || free_kb < 0 || free_kb > INT64_MAX / 1024)
        return false;
    if (!fact_number(facts, "disk_total_kb", &total_kb) || total_kb < free_kb
        || total_kb > INT64_MAX / 1024)
        total_kb = 0;
    *free_bytes = free_kb * 1024;
    *total_bytes = total_kb * 1024;
    return true;
}

static json_t *check_status(const char *state)
{
    if (str_equal(state, "ok"))
        return part_status("ok", "OK");
    if (str_equal(state, "failed"))
        return part_status("failed", "Fails");
    if (str_equal(state, "warn"))
        return part_status("warn", "Warning");
    return part_status("unknown", "Unknown");
}

json_t *server_checks_list(const json_t *checks, int *failing)
{
    json_t *list = json_array();
    const json_t *check;
    size_t i;
    *failing = 0;
    json_array_foreach(checks, i, check)
    {
        const char *state = row_text(check, "state");
        *failing += str_equal(state, "failed") ? 1 : 0;
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:s, s:s}", "id", row_text(check, "id"), "label",
                            row_text(check, "label"), "status", check_status(state), "cause",
                            row_text(check, "cause"), "fix", row_text(check, "fix")));
    }
    return list;
}
