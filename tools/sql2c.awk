# sql2c.awk - turn db/queries/*/*.sql and db/migrations/*/*.sql into build/gen/statements.{h,c}.
#
#   awk -f tools/sql2c.awk -v header=OUT.h -v source=OUT.c FILES...
#
# Queries become `enum statement` and the table behind it (db/queries/README.md says how a statement is written);
# migrations are compiled in line by line, since C promises no string literal longer than 4095 bytes. Anything that
# is not as the README says stops the build with file:line. Plain POSIX awk: mawk is what Debian has.

function fail(line, text) {
    printf "%s:%d: %s\n", FILENAME_NOW, line, text > "/dev/stderr"
    failed = 1
    exit 1
}

function quote(text) {
    gsub(/\\/, "&&", text) # "&&": the one way to double a backslash that all awks share
    gsub(/"/, "\\\"", text)
    gsub(/\t/, "\\t", text)
    return "\"" text "\""
}

# The header line of a statement: "-- name: x  roles: a b  writes: t u  returns: one", keys in this or any order.
function read_header(text,    words, n, i, key) {
    name = ""; roles = ""; writes = ""; returns = "none"; key = ""
    sub(/^--[ \t]*/, "", text)
    n = split(text, words, /[ \t]+/)
    for (i = 1; i <= n; i++) {
        if (words[i] == "")
            continue
        if (words[i] ~ /:$/) {
            key = substr(words[i], 1, length(words[i]) - 1)
            if (key !~ /^(name|roles|writes|returns)$/)
                fail(FNR, "unknown word \"" key ":\" in a statement's header; there are name, roles, writes, returns")
        } else if (key == "name") {
            if (name != "")
                fail(FNR, "a statement has one name")
            name = words[i]
        } else if (key == "roles") {
            if (words[i] !~ /^(web|stream|worker|cli)$/)
                fail(FNR, "unknown role \"" words[i] "\"; there are web, stream, worker, cli")
            roles = roles " | DB_ROLE_" toupper(words[i])
        } else if (key == "writes") {
            writes = writes (writes == "" ? "" : " ") words[i]
        } else if (key == "returns") {
            if (words[i] !~ /^(none|one|many)$/)
                fail(FNR, "returns is none, one or many, not \"" words[i] "\"")
            returns = words[i]
        } else
            fail(FNR, "a statement's header is: -- name: job_by_id  roles: web worker  returns: one")
    }
    if (name !~ /^[a-z][a-z0-9_]*$/)
        fail(FNR, "a statement's name is lower case letters, digits and _")
    if (roles == "")
        fail(FNR, "statement " name " names no role; nobody could use it")
    if (name in place)
        fail(FNR, "statement " name " is already in " place[name])
    place[name] = FILENAME_NOW ":" FNR
    sub(/^ \| /, "", roles)
}

function end_statement(line,    verb) {
    if (name == "")
        return
    if (text == "")
        fail(line, "statement " name " has no SQL")
    if (!finished)
        fail(line, "statement " name " does not end with ;")
    if (text_bytes > 4000)
        fail(line, "statement " name " is longer than 4000 bytes")
    verb = toupper(first_word)
    if (verb ~ /^(INSERT|UPDATE|DELETE|REPLACE)$/ && writes == "")
        fail(line, "statement " name " changes something; its header must say what (writes: TABLE)")
    if (verb == "SELECT" && writes != "")
        fail(line, "statement " name " is a SELECT and writes nothing")
    if (verb !~ /^(INSERT|UPDATE|DELETE|REPLACE|SELECT|WITH|VALUES)$/)
        fail(line, "statement " name " begins with " verb "; only reads and row changes are named statements")
    count++
    names[count] = name
    rows[count] = sprintf("    {\"%s\", %s,\n     %s, \"%s\", DB_RETURNS_%s, DB_%s, \"%s\"},\n", name, text, roles,
                          writes, toupper(returns), which, place[name])
    name = ""
}

function start_file(    base) {
    end_statement(last_line)
    FILENAME_NOW = FILENAME
    which = FILENAME ~ /\/shared\// ? "SHARED" : FILENAME ~ /\/vault\// ? "VAULT" : ""
    if (which == "")
        fail(1, "SQL lives in a folder called shared/ or vault/")
    migration = FILENAME ~ /\/migrations\//
    if (!migration)
        return
    base = FILENAME
    sub(/.*\//, "", base)
    sub(/\.sql$/, "", base)
    if (base !~ /^[0-9][0-9][0-9][0-9]_[a-z0-9_]+$/)
        fail(1, "a migration is called NNNN_verb_object.sql")
    migrations++
    number = substr(base, 1, 4) + 0
    if (number != last_number[which] + 1)
        fail(1, "migration " base " should have number " (last_number[which] + 1))
    last_number[which] = number
    m_entry[migrations] = sprintf("    {%d, DB_%s, \"%s\", migration_%d},\n", number, which, base, migrations)
}

FNR == 1 { start_file() }
{ last_line = FNR; sub(/\r$/, "") }

migration {
    m_lines[migrations] = m_lines[migrations] "    " quote($0) "\n    \"\\n\",\n"
    next
}

/^--/ && /(name|roles):/ {
    end_statement(FNR)
    read_header($0)
    text = ""; text_bytes = 0; finished = 0; first_word = ""
    next
}
/^[ \t]*--/ || /^[ \t]*$/ { next }
{
    if (name == "")
        fail(FNR, "SQL without a header line before it (-- name: ...  roles: ...)")
    if (finished)
        fail(FNR, "statement " name " goes on after its ;  (one statement per header)")
    if (first_word == "") {
        split($0, first, /[ \t(;]+/)
        first_word = first[1] == "" ? first[2] : first[1]
    }
    line = $0
    sub(/[ \t]+--[^']*$/, "", line)
    sub(/[ \t]+$/, "", line)
    text = text (text == "" ? "" : "\n     ") quote(line " ")
    text_bytes += length(line) + 1
    if (line ~ /;$/)
        finished = 1
}

END {
    if (failed)
        exit 1
    end_statement(last_line)
    print "/* Generated by tools/sql2c.awk from db/queries and db/migrations. Do not edit. */" > header
    print "#ifndef WL_GEN_STATEMENTS_H\n#define WL_GEN_STATEMENTS_H\n" > header
    print "enum statement {\n    SQL_NONE = 0," > header
    for (i = 1; i <= count; i++)
        print "    SQL_" toupper(names[i]) "," > header
    print "    SQL_COUNT\n};\n\n#endif" > header

    print "/* Generated by tools/sql2c.awk from db/queries and db/migrations. Do not edit. */" > source
    print "#include <stddef.h>\n#include \"db/connection.h\"\n#include \"statements.h\"\n" > source
    print "const struct statement_text statement_texts[SQL_COUNT] = {" > source
    print "    {\"none\", \"\", 0, \"\", DB_RETURNS_NONE, DB_SHARED, \"\"}," > source
    for (i = 1; i <= count; i++)
        printf "%s", rows[i] > source
    print "};\nconst int statement_count = SQL_COUNT;\n" > source
    for (i = 1; i <= migrations; i++)
        printf "static const char *const migration_%d[] = {\n%s    NULL};\n\n", i, m_lines[i] > source
    print "const struct migration_text migration_texts[] = {" > source
    for (i = 1; i <= migrations; i++)
        printf "%s", m_entry[i] > source
    print "    {0, DB_SHARED, NULL, NULL}};" > source
}
