# check-size.awk - prints functions and files that are over their budget: a function 80 lines and 6 parameters, a .c file 500 lines, a .h file
# 200. Input: first the list of exceptions (tools/check-size.txt), then C files as clang-format leaves them (a function's braces stand in
# the first column). An exception names its exact size and may only shrink: one that is not needed as it stands is printed too.

FNR == 1 {
    end_file()
    current = FILENAME
    reading_exceptions = ARGV[1] == FILENAME
    head = ""
    start = 0
}

reading_exceptions {
    if ($0 !~ /^#/ && NF == 2)
        allowed[$1] = $2
    next
}

{ lines = FNR }

# A function: a head in the first column up to the line that is "{" alone, then up to "}" alone.
start == 0 && /^{/ && head ~ /\)$/ {
    start = FNR
    count_parameters()
    next
}
start > 0 && /^}/ {
    judge(current ":" name, FNR - start - 1, 80, "lines in function")
    start = 0
    head = ""
    next
}
start == 0 {
    if ($0 ~ /^[A-Za-z_]/ || ($0 ~ /^ / && head != ""))
        head = head " " $0
    else
        head = ""
    if ($0 ~ /[;}]$/ || $0 ~ /^#/)
        head = ""
}

function count_parameters(    i, c, depth, commas, list) {
    name = head
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    list = substr(head, index(head, "(") + 1)
    commas = 0
    depth = 0
    for (i = 1; i <= length(list); i++) {
        c = substr(list, i, 1)
        if (c == "(")
            depth++
        if (c == ")" && depth-- == 0)
            break
        if (c == "," && depth == 0)
            commas++
    }
    if (commas + 1 > 6)
        judge(current ":" name "()", commas + 1, 6, "parameters of")
}

function judge(what, size, budget, words) {
    if (what in allowed) {
        if (size > allowed[what])
            complain(sprintf("%d %s %s, its exception allows %d", size, words, what, allowed[what]))
        else if (size < allowed[what])
            complain(sprintf("%s has shrunk to %d: say so in tools/check-size.txt%s", what, size, size <= budget ? " (take it out)" : ""))
        used[what] = 1
    } else if (size > budget) {
        complain(sprintf("%d %s %s, at most %d", size, words, what, budget))
    }
}

function complain(text) {
    print text
    found = 1
}

function end_file() {
    if (current == "" || reading_exceptions)
        return
    # Headers under tests/ are fixtures: code that one kind of test shares.
    judge(current, lines, current ~ /\.h$/ && current !~ /^tests\// ? 200 : 500, "lines in")
}

END {
    end_file()
    for (what in allowed)
        if (!(what in used))
            complain(what " is in tools/check-size.txt and need not be")
    exit found
}
