package readmodel

import "strings"

// Contains is the condition that a text column holds what somebody searches
// for, in any case; arg is the argument ("$1") with the Pattern of it.
func Contains(column, arg string) string { return `LOWER(` + column + `) LIKE ` + arg + ` ESCAPE '\'` }

// Pattern is the argument of Contains: the text as it stands, for % and _ are
// wildcards to LIKE but letters to people.
func Pattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(text)) + "%"
}
