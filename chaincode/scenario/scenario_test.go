package scenario

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/all"
)

var update = flag.Bool("update", false, "write the goldens and docs/rules.md")

// The stories hold on the ledger in memory, and between them they break every
// rule: a rule that nothing breaks is one that nobody knows to work.
func TestStories(t *testing.T) {
	folder := ""
	if *update {
		folder = "."
	}
	contracts := all.Contracts()
	broken := Run(t, func(*testing.T) Ledger { return NewMemory(contracts) }, folder)
	for _, r := range contracts.Rules() {
		if broken[r.Code] == "" {
			t.Errorf("no story breaks %s: %s", r.Code, r.Text)
		}
	}
}

// docs/rules.md lists every rule, for those who meet one.
func TestRulesAreDocumented(t *testing.T) {
	const file = "../../docs/rules.md"
	want := rulesPage(all.Contracts().Rules())
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s does not list the rules as they are (run go test ./chaincode/scenario -update): %v", file, err)
	}
}

func rulesPage(rules []chaincode.Rule) string {
	var b strings.Builder
	b.WriteString("# Rules\n\nEvery rule that may refuse a command: its code as it stands in a problem document, what kind of refusal it is,\nthe sentence that a user reads and what to do about it. A test writes this page from the contracts.\n")
	room := ""
	for _, r := range rules {
		name, _, _ := strings.Cut(r.Code, "/")
		if name != room {
			room = name
			fmt.Fprintf(&b, "\n## %s\n\n| code | kind | sentence | remedy |\n|---|---|---|---|\n", name)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Code, r.Kind, r.Text, r.Remedy)
	}
	return b.String()
}
