# plant.awk - the text of a source file with a fault in it: awk -f plant.awk NAME.mutant FILE. Ends with status 1 and one line that says why when
# a text "before" does not stand in the file exactly once, as whole lines.
FNR == NR && /^--- before$/ { pairs++; part = "before"; next }
FNR == NR && /^--- after$/ && part == "before" { part = "after"; next }
FNR == NR {
    if (part == "before") before[pairs] = before[pairs] $0 "\n"
    if (part == "after") after[pairs] = after[pairs] $0 "\n"
    next
}
{ text = text $0 "\n" }
function fail(why) { print why; failed = 1; exit 1 }
END {
    if (failed) exit 1
    text = "\n" text
    unchanged = text
    for (i = 1; i <= pairs; i++) {
        needle = "\n" before[i]
        at = index(text, needle)
        if (before[i] == "" || at == 0) fail("the text before does not stand in the file")
        if (index(substr(text, at + 1), needle) != 0) fail("the text before stands in the file more than once")
        text = substr(text, 1, at) after[i] substr(text, at + length(needle))
    }
    if (text == unchanged) fail("nothing is changed")
    ORS = ""
    print substr(text, 2)
}
